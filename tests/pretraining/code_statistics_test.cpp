#include "layerwise/pretraining/code_statistics.h"

#include <cmath>

#include <ATen/ops/linalg_svd.h>

#include "layerwise/random.h"

#include "testing.h"

namespace layerwise {
namespace {

TEST_CASE("Dead units, rank and loss of a code") {
  RandomState random(4);
  auto x = torch::empty({50, 2}, torch::kFloat64);
  for (int64_t i = 0; i < x.numel(); ++i) x.data_ptr<double>()[i] = random.normal(0, 1);
  const auto zeros = torch::zeros({50, 1}, torch::kFloat64);
  const auto first = x.slice(1, 0, 1);

  const auto whole = code_statistics(torch::cat({x, zeros, x.sum(1, true)}, 1), x);
  REQUIRE(whole.units == 4);
  REQUIRE(whole.dead == 1);
  REQUIRE(whole.rank == 2);
  REQUIRE(whole.lost < 1e-9);
  // exp of the entropy of (p, 1 - p), p the share of the first of its two singular values.
  const auto singular =
      std::get<1>(at::linalg_svd(torch::cat({x, zeros, x.sum(1, true)}, 1) -
                                 torch::cat({x, zeros, x.sum(1, true)}, 1).mean(0, true)));
  const double p = (singular[0] / singular.sum()).item<double>();
  REQUIRE(std::abs(whole.effective_rank - std::exp(-p * std::log(p) - (1 - p) * std::log(1 - p))) <
          1e-6);

  const auto one = code_statistics(torch::cat({first, zeros + 3, 2 * first}, 1), x);
  REQUIRE(one.dead == 1);
  REQUIRE(one.rank == 1);
  REQUIRE(one.lost > 0.3);
  REQUIRE(std::abs(one.effective_rank - 1) < 1e-6);

  const auto none = code_statistics(torch::cat({zeros, zeros + 1}, 1), x);
  REQUIRE(none.dead == 2);
  REQUIRE(none.rank == 0);
  REQUIRE(none.lost == 1);
  REQUIRE(none.effective_rank == 0);
  REQUIRE(code_statistics(first * NAN, x).rank == 0);
}

}  // namespace
}  // namespace layerwise
