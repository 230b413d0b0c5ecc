#include "layerwise/study/claims.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

namespace layerwise::study {

namespace {

constexpr double level = 0.05;

Verdict verdict_of(const Claim& claim, const PairedTest& test) {
  if (test.difference.count < fewest_pairs) return Verdict::undecided;
  if (test.p_equivalence < level) return Verdict::equivalent;
  if (test.p_difference >= level) return Verdict::undecided;
  return (test.difference.mean > 0) == claim.higher_is_better ? Verdict::better : Verdict::worse;
}

/// Corrects both p-values of the claims of one family.
void correct(const std::vector<JudgedClaim*>& family) {
  for (auto p : {&PairedTest::p_difference, &PairedTest::p_equivalence}) {
    std::vector<double> values;
    for (const auto* judged : family) values.push_back(judged->test.*p);
    const auto corrected = holm(values);
    for (size_t i = 0; i < family.size(); ++i) family[i]->test.*p = corrected[i];
  }
  for (auto* judged : family) {
    judged->family_size = family.size();
    judged->verdict = verdict_of(judged->claim, judged->test);
  }
}

std::string p_text(double p) {
  return p < 0.001 ? "p < .001" : fmt::format("p = {:.3f}", p);
}

}  // namespace

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::better:
      return "better";
    case Verdict::worse:
      return "worse";
    case Verdict::equivalent:
      return "equivalent";
    case Verdict::undecided:
      return "undecided";
  }
  return "";
}

std::string JudgedClaim::difference() const {
  const auto& [mean, low, high, pairs] = test.difference;
  const auto digits = std::max(3, 1 - static_cast<int>(std::floor(std::log10(claim.margin))));
  const auto number = [&](double value) {
    const bool rounds_to_zero = std::abs(value) < 0.5 * std::pow(10, -digits);
    return fmt::format("{:+.{}f}", rounds_to_zero ? 0.0 : value, digits);
  };
  auto text = fmt::format("{} {}", claim.score.split, claim.score.metric);
  std::replace(text.begin(), text.end(), '_', ' ');
  return pairs < 2 ? text
                   : fmt::format("{} {} [{}, {}]", text, number(mean), number(low), number(high));
}

std::string JudgedClaim::evidence() const {
  const auto pairs = test.difference.count;
  if (pairs < fewest_pairs)
    return fmt::format("{}: {} pairs of values, and fewer than {} decide nothing", difference(),
                       pairs, fewest_pairs);
  const bool of_equivalence = verdict == Verdict::equivalent;
  auto text = fmt::format(
      "{}, margin {}: mean of {} paired differences, 95% interval by Student's t; {} of {}",
      difference(), claim.margin, pairs,
      p_text(of_equivalence ? test.p_equivalence : test.p_difference),
      of_equivalence ? "a difference beyond the margin" : "no difference");
  if (family_size > 1) text += fmt::format(", by Holm over {} claims", family_size);
  if (test.missing > 0) {
    text += fmt::format("; {} of {} repeats lack a value and are left out", test.missing,
                        test.missing + pairs);
  }
  return text;
}

std::string mean_text(const Results& results, const ScoreOf& score) {
  if (!results.has(score.info, score.split, score.metric)) return {};
  const auto [mean, low, high, count] =
      mean_interval(results.values(score.info, score.split, score.metric));
  if (count == 0) return "none";
  if (count < 2) return fmt::format("{:.3f}", mean);
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", mean, low, high);
}

std::vector<JudgedClaim> judge(const std::vector<Claim>& claims, const Results& results) {
  std::vector<JudgedClaim> judged;
  const auto values = [&](const ScoreOf& score) {
    return results.values(score.info, score.split, score.metric);
  };
  for (const auto& claim : claims) {
    if (!results.has(claim.score.info) || !results.has(claim.reference.info)) continue;
    judged.push_back(
        {claim, paired_test(values(claim.score), values(claim.reference), claim.margin)});
  }
  std::map<std::string, std::vector<JudgedClaim*>> families;
  for (auto& one : judged) {
    const auto& family = one.claim.family;
    if (family.empty()) {
      correct({&one});
    } else {
      families[family].push_back(&one);
    }
  }
  for (const auto& [_, family] : families) correct(family);
  return judged;
}

}  // namespace layerwise::study
