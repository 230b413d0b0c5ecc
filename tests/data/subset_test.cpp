#include "layerwise/data/subset.h"

#include <algorithm>
#include <set>
#include <vector>

#include "testing.h"

namespace layerwise {
namespace {

/// Labels of three classes, in the order 0 1 2 0 1 2 ..., without rows of class 2 after its first
/// n.
torch::Tensor labels_of(int64_t rows, int64_t of_class_two) {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t label = i % 3;
    labels.push_back(label == 2 && i / 3 >= of_class_two ? 0 : label);
  }
  return torch::tensor(labels);
}

std::vector<int64_t> counts_of(const std::vector<int64_t>& rows, const torch::Tensor& labels) {
  std::vector<int64_t> counts(3, 0);
  for (const auto row : rows) ++counts[static_cast<size_t>(labels[row].item<int64_t>())];
  return counts;
}

TEST_CASE("A subset has as many rows of each class, the lowest classes what remains") {
  const auto labels = labels_of(90, 30);
  RandomState random(5);
  const StratifiedSubsets subsets(labels, random);
  REQUIRE(counts_of(subsets.rows(30), labels) == std::vector<int64_t>{10, 10, 10});
  REQUIRE(counts_of(subsets.rows(31), labels) == std::vector<int64_t>{11, 10, 10});
  REQUIRE(counts_of(subsets.rows(32), labels) == std::vector<int64_t>{11, 11, 10});
}

TEST_CASE("Subsets walk through one permutation, the smaller within the larger, to all rows") {
  const auto labels = labels_of(90, 5);  // class 2 has fewer rows than its share of most subsets
  RandomState random(5);
  const StratifiedSubsets subsets(labels, random);
  RandomState same(5);
  const auto walk = same.permutation(90);
  REQUIRE(random.next_uint32() == same.next_uint32());
  std::set<int64_t> smaller;
  for (int64_t count = 3; count <= 90; ++count) {
    const auto rows = subsets.rows(count);
    const std::set<int64_t> larger(rows.begin(), rows.end());
    REQUIRE(larger.size() == static_cast<size_t>(count));
    REQUIRE(std::includes(larger.begin(), larger.end(), smaller.begin(), smaller.end()));
    const auto in_order = [&](int64_t a, int64_t b) {
      return std::find(walk.begin(), walk.end(), a) < std::find(walk.begin(), walk.end(), b);
    };
    REQUIRE(std::is_sorted(rows.begin(), rows.end(), in_order));
    smaller = larger;
  }
  REQUIRE(subsets.rows(90) == walk);
}

TEST_CASE("Subsets that cannot be are refused") {
  const auto labels = labels_of(90, 30);
  RandomState random(5);
  const StratifiedSubsets subsets(labels, random);
  REQUIRE_THROWS_AS(subsets.rows(91), std::invalid_argument);
  REQUIRE_THROWS_AS(subsets.rows(2), std::invalid_argument);
  REQUIRE_THROWS_AS(StratifiedSubsets(torch::tensor({0, 2, 2}), random), std::invalid_argument);
  REQUIRE_THROWS_AS(require_every_class(torch::tensor({0, 1, 2}), 4), std::invalid_argument);
  REQUIRE_THROWS_AS(require_every_class(torch::tensor({0, 1, -1}), 2), std::invalid_argument);
  require_every_class(torch::tensor({2, 0, 1}), 3);
}

}  // namespace
}  // namespace layerwise
