#include "layerwise/random.h"

#include <array>
#include <numeric>
#include <string>
#include <vector>

#include "testing.h"

namespace layerwise {
namespace {

using nlohmann::json;

RandomState seeded(const json& seed) {
  if (seed.is_array()) return RandomState(seed.get<std::vector<uint32_t>>());
  return RandomState(seed.get<uint32_t>());
}

template <typename Draw>
void require_equal(const json& expected, Draw draw) {
  for (const auto& value : expected) REQUIRE(draw() == value.get<double>());
}

TEST_CASE("RandomState gives NumPy's numbers bit for bit") {
  const auto cases = testing::reference("random_state.json");
  REQUIRE(cases.size() >= 14);
  for (const auto& expected : cases) {
    INFO("seed " << expected["seed"].dump().substr(0, 60));
    auto random = seeded(expected["seed"]);
    require_equal(expected["random_sample"], [&] { return random.random_sample(); });
    require_equal(expected["normal_odd"], [&] { return random.normal(1.5, 2.25); });
    require_equal(expected["uniform"], [&] { return random.uniform(-3.0, 5.5); });
    require_equal(expected["normal_after"], [&] { return random.normal(0.0, 1.0); });
    REQUIRE(random.permutation(33) == expected["permutation"].get<std::vector<int64_t>>());
    std::vector<int64_t> values(17);
    std::iota(values.begin(), values.end(), 100);
    random.shuffle(values);
    REQUIRE(values == expected["shuffle"].get<std::vector<int64_t>>());
    REQUIRE(random.permutation(1) == expected["permutation_of_1"].get<std::vector<int64_t>>());
    REQUIRE(random.permutation(0).empty());
    require_equal(expected["uniform_reversed"], [&] { return random.uniform(2.0, -2.0); });
    require_equal(expected["normal_scale_0"], [&] { return random.normal(4.0, 0.0); });
    for (int i = 0; i < 1000; ++i) random.random_sample();
    require_equal(expected["skip_1000_then"], [&] { return random.random_sample(); });
  }
}

TEST_CASE("A repeat's streams are RandomState([seed, repeat, purpose])") {
  const auto cases = testing::reference("random_state.json");
  const auto first_of = [&](const std::vector<uint32_t>& seed) {
    for (const auto& expected : cases) {
      if (expected["seed"] == json(seed)) return expected["random_sample"][0].get<double>();
    }
    FAIL("no fixture");
    return 0.0;
  };
  Random random(1, 0);
  REQUIRE(random.initialization.random_sample() == first_of({1, 0, 0}));
  REQUIRE(random.order.random_sample() == first_of({1, 0, 1}));
  REQUIRE(random.subsets.random_sample() == first_of({1, 0, 2}));
}

TEST_CASE("A copied stream goes on as the original does, its second Gaussian included") {
  RandomState random(3);
  random.normal(0, 1);
  auto copy = random;
  for (int i = 0; i < 5; ++i) REQUIRE(copy.normal(0, 1) == random.normal(0, 1));
  REQUIRE(copy.permutation(10) == random.permutation(10));
}

TEST_CASE("RandomState refuses what NumPy refuses") {
  REQUIRE_THROWS_AS(RandomState(std::vector<uint32_t>{}), std::invalid_argument);
  RandomState random(0);
  REQUIRE_THROWS_AS(random.permutation(-1), std::invalid_argument);
}

TEST_CASE("A stream goes on from its saved state, a kept Gaussian too") {
  for (const int draws : {0, 1, 623, 624, 700}) {
    const std::array<uint32_t, 3> seed{4, 2, 1};
    RandomState stream{std::span<const uint32_t>(seed)};
    for (int i = 0; i < draws; ++i) stream.next_uint32();
    stream.normal(0, 1);  // makes two, and keeps the second
    auto copy = RandomState::from_text(stream.to_text());
    REQUIRE(copy.to_text() == stream.to_text());
    for (int i = 0; i < 3; ++i) REQUIRE(copy.normal(0, 1) == stream.normal(0, 1));
    for (int i = 0; i < 700; ++i) REQUIRE(copy.next_uint32() == stream.next_uint32());
  }
  Random random(1, 2);
  random.order.permutation(10);
  random.initialization.normal(0, 1);
  Random other(7, 7);
  other.restore(random.to_text());
  REQUIRE(other.to_text() == random.to_text());
  REQUIRE(other.noise.seed == 7);
}

TEST_CASE("What is no saved state is refused, and changes nothing") {
  Random random(1, 0);
  const auto state = random.to_text();
  std::vector<std::string> damaged_states{
      "", "x", state + "0", state.substr(1), state.substr(0, 9000), state, state};
  damaged_states[5].front() = 'g';
  damaged_states[6][state.size() - 17] = '7';  // neither with nor without a kept Gaussian
  for (const auto& damaged : damaged_states) {
    REQUIRE_THROWS_AS(random.restore(damaged), std::invalid_argument);
    REQUIRE(random.to_text() == state);
  }
}

}  // namespace
}  // namespace layerwise
