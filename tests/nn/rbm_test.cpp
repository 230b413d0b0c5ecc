#include "layerwise/nn/rbm.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <sstream>
#include <vector>

#include "layerwise/nn/deep_belief_net.h"

#include "testing.h"

namespace layerwise {
namespace {

/// In float64, with biases that are not zero.
Rbm exact_rbm(int64_t visible, int64_t hidden, HiddenUnits units, uint32_t seed = 1) {
  RandomState draw(seed);
  auto rbm = make_rbm({visible, hidden, units}, sigmoid_uniform_, draw);
  rbm->to(torch::kFloat64);
  torch::NoGradGuard no_grad;
  for (auto bias : {rbm->hidden_bias, rbm->visible_bias}) {
    for (int64_t i = 0; i < bias.numel(); ++i) bias[i] = draw.uniform(-1, 1);
  }
  return rbm;
}

/// All states of so many binary units: [2^units, units].
torch::Tensor all_states(int64_t units) {
  auto states = torch::empty({int64_t{1} << units, units}, torch::kFloat64);
  for (int64_t state = 0; state < states.size(0); ++state) {
    for (int64_t unit = 0; unit < units; ++unit)
      states[state][unit] = static_cast<double>(state >> unit & 1);
  }
  return states;
}

/// -E(v, h) of every row of v with every row of h, by its definition.
torch::Tensor negative_energies(const Rbm& rbm, const torch::Tensor& v, const torch::Tensor& h) {
  return v.matmul(rbm->weight.t()).matmul(h.t()) + v.matmul(rbm->visible_bias).unsqueeze(1) +
         h.matmul(rbm->hidden_bias).unsqueeze(0);
}

/// Rows of numbers in [0, 1], the second half of them binary.
torch::Tensor visible_rows(int64_t rows, int64_t visible) {
  RandomState random(5);
  auto v = torch::empty({rows, visible}, torch::kFloat64);
  for (int64_t i = 0; i < v.numel(); ++i) v.data_ptr<double>()[i] = random.random_sample();
  v.slice(0, rows / 2).round_();
  return v;
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  REQUIRE(a.sizes() == b.sizes());
  return (a - b).abs().max().item<double>();
}

TEST_CASE("The free energy is - log of the sum over all hidden states of exp(-E)") {
  torch::NoGradGuard no_grad;
  for (uint32_t seed = 1; seed <= 3; ++seed) {
    const auto rbm = exact_rbm(9, 6, HiddenUnits::bernoulli, seed);
    const auto v = visible_rows(20, 9);
    const auto expected = -negative_energies(rbm, v, all_states(6)).logsumexp(1);
    REQUIRE(largest_difference(rbm->free_energy(v), expected) < 1e-13);
  }
}

TEST_CASE("The free energy of large sums is neither cut off nor infinite") {
  auto rbm = exact_rbm(2, 1, HiddenUnits::bernoulli);
  torch::NoGradGuard no_grad;
  const auto v = torch::tensor({{1.0, 0.0}}, torch::kFloat64);
  rbm->visible_bias.zero_();
  rbm->hidden_bias.zero_();
  for (const double sum : {-900.0, -70.0, -50.0, 0.0, 19.0, 21.0, 50.0, 70.0, 900.0}) {
    rbm->weight.fill_(sum);
    const double expected = sum > 0 ? sum + std::log1p(std::exp(-sum)) : std::log1p(std::exp(sum));
    REQUIRE(std::abs(-rbm->free_energy(v).item<double>() - expected) <= 1e-15 * expected);
  }
}

/// The integral over h of exp(s h - h^2 / 2), divided by that of exp(-h^2 / 2): by the trapezoidal
/// rule, whose error on such functions is below rounding.
double gaussian_integral(double s) {
  double with = 0;
  double without = 0;
  for (double h = -30; h <= 30; h += 0.05) {
    with += std::exp(s * h - h * h / 2);
    without += std::exp(-h * h / 2);
  }
  return with / without;
}

TEST_CASE("With Gaussian hidden units it is that of the integral, without its constant") {
  torch::NoGradGuard no_grad;
  const auto rbm = exact_rbm(9, 4, HiddenUnits::gaussian);
  const auto v = visible_rows(20, 9);
  const auto energies = rbm->free_energy(v);
  const auto sums = rbm->hidden_means(v);
  REQUIRE(largest_difference(sums, v.matmul(rbm->weight.t()) + rbm->hidden_bias) < 1e-14);
  for (int64_t row = 0; row < v.size(0); ++row) {
    double expected = -v[row].dot(rbm->visible_bias).item<double>();
    for (int64_t unit = 0; unit < 4; ++unit)
      expected -= std::log(gaussian_integral(sums[row][unit].item<double>()));
    REQUIRE(std::abs(energies[row].item<double>() - expected) < 1e-12);
  }
}

TEST_CASE("Means are the probabilities of the joint distribution, by enumeration") {
  torch::NoGradGuard no_grad;
  auto rbm = exact_rbm(5, 4, HiddenUnits::bernoulli);
  const auto v = all_states(5);
  const auto h = all_states(4);
  const auto joint = negative_energies(rbm, v, h).exp();
  const auto hidden_on = joint.matmul(h) / joint.sum(1, true);
  REQUIRE(largest_difference(rbm->hidden_means(v), hidden_on) < 1e-14);
  REQUIRE(torch::equal(rbm->forward(v), rbm->hidden_means(v)));
  const auto visible_on = joint.t().matmul(v) / joint.sum(0).unsqueeze(1);
  REQUIRE(largest_difference(rbm->visible_means(h), visible_on) < 1e-14);
}

TEST_CASE("The pseudo-likelihood is that of one unit given the others, by enumeration") {
  torch::NoGradGuard no_grad;
  const auto rbm = exact_rbm(5, 4, HiddenUnits::bernoulli);
  const auto v = all_states(5);
  const auto probability = negative_energies(rbm, v, all_states(4)).exp().sum(1);
  for (int64_t unit = 0; unit < 5; ++unit) {
    const auto units = torch::full({32}, unit, torch::kInt64);
    const auto estimate = rbm->pseudo_log_likelihood(v, units);
    for (int64_t state = 0; state < 32; ++state) {
      const auto flipped = state ^ (int64_t{1} << unit);
      const auto given_others = probability[state] / (probability[state] + probability[flipped]);
      REQUIRE(std::abs(estimate[state].item<double>() - 5 * std::log(given_others.item<double>())) <
              1e-13);
    }
  }
  // Of each row, its own unit.
  const auto units = torch::tensor({4, 0, 3}, torch::kInt64);
  const auto three = rbm->pseudo_log_likelihood(v.slice(0, 7, 10), units);
  for (int64_t row = 0; row < 3; ++row) {
    const auto one =
        rbm->pseudo_log_likelihood(v.slice(0, 7 + row, 8 + row), units.slice(0, row, row + 1));
    REQUIRE(std::abs((three[row] - one[0]).item<double>()) < 1e-13);
  }
}

TEST_CASE("An RBM's layers compute its means, and are independent copies") {
  torch::NoGradGuard no_grad;
  for (const auto units : {HiddenUnits::bernoulli, HiddenUnits::gaussian}) {
    auto rbm = exact_rbm(7, 5, units);
    const auto v = visible_rows(6, 7);
    const auto means = rbm->hidden_means(v);
    const auto reconstruction = rbm->visible_means(means);
    auto up = rbm->encoder_layer();
    auto down = rbm->decoder_layer();
    REQUIRE(largest_difference(up->forward(v), means) < 1e-14);
    REQUIRE(largest_difference(down->forward(means), reconstruction) < 1e-14);
    rbm->weight.add_(1);
    rbm->hidden_bias.add_(1);
    rbm->visible_bias.add_(1);
    REQUIRE(largest_difference(up->forward(v), means) < 1e-14);
    REQUIRE(largest_difference(down->forward(means), reconstruction) < 1e-14);
    const auto changed = rbm->hidden_means(v);
    for (auto& parameter : up->parameters()) parameter.zero_();
    for (auto& parameter : down->parameters()) parameter.zero_();
    REQUIRE(torch::equal(rbm->hidden_means(v), changed));
    for (const auto& layer : {up, down}) {
      for (const auto& parameter : layer->parameters()) REQUIRE(parameter.requires_grad());
    }
  }
}

TEST_CASE("An RBM is cloned, and says what it is") {
  const auto rbm = exact_rbm(7, 5, HiddenUnits::gaussian);
  const auto copy = std::dynamic_pointer_cast<RbmImpl>(rbm->clone());
  REQUIRE(fingerprint(*copy) == fingerprint(*rbm));
  const auto v = visible_rows(6, 7);
  REQUIRE(torch::equal(copy->free_energy(v), rbm->free_energy(v)));
  torch::NoGradGuard no_grad;
  copy->weight.zero_();
  REQUIRE(fingerprint(*copy) != fingerprint(*rbm));
  std::ostringstream text;
  rbm->pretty_print(text);
  REQUIRE(text.str() == "Rbm(7 visible, 5 Gaussian hidden)");
}

DeepBeliefNet three_rbms(HiddenUnits code) {
  RandomState draw(4);
  auto net = DeepBeliefNetOptions{{8, 6, 5, 3}, code, sigmoid_uniform_}.make(draw);
  torch::NoGradGuard no_grad;
  for (auto& item : net->named_parameters()) {
    auto values = item.value();
    if (values.dim() == 1) {
      for (int64_t i = 0; i < values.numel(); ++i) values[i] = draw.uniform(-1, 1);
    }
  }
  return net;
}

TEST_CASE("A phase of a deep belief net trains one RBM, and the others are frozen or idle") {
  auto net = three_rbms(HiddenUnits::bernoulli);
  REQUIRE(net->depth() == 3);
  REQUIRE(net->named_parameters().contains("rbms.rbm1.weight"));
  REQUIRE(net->named_parameters().contains("rbms.rbm3.visible_bias"));
  for (const int64_t k : {2, 3, 1}) {
    const auto view = net->phase(k);
    REQUIRE(view.trained.size() == 1);
    REQUIRE(view.trained[0].ptr() == net->rbm(k).ptr());
    REQUIRE(view.code == size_t{0});
    REQUIRE(static_cast<int64_t>(view.frozen.size()) == k - 1);
    REQUIRE(static_cast<int64_t>(view.idle.size()) == 3 - k);
    for (int64_t i = 1; i < k; ++i)
      REQUIRE(view.frozen[static_cast<size_t>(i - 1)].ptr() == net->rbm(i).ptr());
    for (int64_t i = k + 1; i <= 3; ++i)
      REQUIRE(view.idle[static_cast<size_t>(i - k - 1)].ptr() == net->rbm(i).ptr());
    for (int64_t i = 1; i <= 3; ++i) {
      REQUIRE(net->rbm(i)->parameters().size() == 3);
      for (const auto& parameter : net->rbm(i)->parameters())
        REQUIRE(parameter.requires_grad() == (i == k));
    }
  }
}

TEST_CASE("A deep belief net unrolled, and its blocks, compute what its RBMs do, as copies") {
  torch::NoGradGuard no_grad;
  for (const auto code : {HiddenUnits::bernoulli, HiddenUnits::gaussian}) {
    auto net = three_rbms(code);
    const auto x = visible_rows(9, 8).to(torch::kFloat32);
    auto h = x;
    for (int64_t k = 1; k <= 3; ++k) {
      REQUIRE((net->rbm(k)->options.hidden_units == HiddenUnits::gaussian) ==
              (k == 3 && code == HiddenUnits::gaussian));
      h = net->rbm(k)->hidden_means(h);
    }
    REQUIRE(torch::equal(net->forward(x), h));
    auto back = h;
    for (int64_t k = 3; k >= 1; --k) back = net->rbm(k)->visible_means(back);
    auto autoencoder = net->unrolled();
    REQUIRE(autoencoder->depth() == 3);
    auto encoder = chain_of(net->encoder_blocks());
    for (auto& parameter : net->parameters()) parameter.zero_();
    REQUIRE(largest_difference(autoencoder->encode(x), h) < 1e-6);
    REQUIRE(largest_difference(autoencoder->forward(x), back) < 1e-6);
    REQUIRE(largest_difference(encoder->forward(x), h) < 1e-6);
    REQUIRE(autoencoder->parameters().size() == 12);
    for (const auto& parameter : autoencoder->parameters()) REQUIRE(parameter.requires_grad());
  }
}

TEST_CASE("The layers of a net whose RBMs are frozen can be trained") {
  auto net = three_rbms(HiddenUnits::bernoulli);
  net->phase(2);
  for (const auto& parameter : net->unrolled()->parameters()) REQUIRE(parameter.requires_grad());
}

TEST_CASE("RBMs that cannot be are refused") {
  REQUIRE_THROWS_AS(Rbm(RbmOptions{0, 3}), std::invalid_argument);
  REQUIRE_THROWS_AS(Rbm(RbmOptions{3, 0}), std::invalid_argument);
  REQUIRE_THROWS_AS(Rbm(RbmOptions{-1, 3}), std::invalid_argument);
  REQUIRE_THROWS_AS(DeepBeliefNet(std::vector<Rbm>{}), std::invalid_argument);
  const std::vector<Rbm> gap{Rbm(RbmOptions{4, 3}), Rbm(RbmOptions{2, 3})};
  REQUIRE_THROWS_AS(DeepBeliefNet(gap), std::invalid_argument);
  const std::vector<Rbm> gaussian_below{Rbm(RbmOptions{14, 9, HiddenUnits::gaussian}),
                                        Rbm(RbmOptions{9, 4})};
  REQUIRE_THROWS_AS(DeepBeliefNet(gaussian_below), std::invalid_argument);
  RandomState draw(1);
  REQUIRE_THROWS_AS(DeepBeliefNetOptions{.units = {}}.make(draw), std::invalid_argument);
  REQUIRE_THROWS_AS(DeepBeliefNetOptions{.units = {8}}.make(draw), std::invalid_argument);
  REQUIRE_THROWS_AS((DeepBeliefNetOptions{.units = {8, 0, 3}}.make(draw)), std::invalid_argument);
  auto net = three_rbms(HiddenUnits::bernoulli);
  for (const int64_t k : {0, 4, -1}) {
    REQUIRE_THROWS_AS(net->phase(k), std::invalid_argument);
    REQUIRE_THROWS_AS(net->rbm(k), std::invalid_argument);
  }
}

torch::Tensor drawn(Initializer initializer, torch::IntArrayRef sizes) {
  RandomState draw(8);
  auto weight = torch::full(sizes, 7.0);
  initializer(weight, draw);
  return weight;
}

TEST_CASE("Uniform initializers fill their range, and no more") {
  const auto limit_of = [](Initializer initializer, torch::IntArrayRef sizes) {
    const auto weight = drawn(initializer, sizes);
    const auto n = static_cast<double>(weight.numel());
    const double limit = weight.abs().max().item<double>();
    REQUIRE(std::abs(weight.mean().item<double>()) < 5 * limit / std::sqrt(3 * n));
    return limit;
  };
  const double fan_in = 1 / std::sqrt(50.0);
  REQUIRE(limit_of(fan_in_uniform_, {40, 50}) <= fan_in);
  REQUIRE(limit_of(fan_in_uniform_, {40, 50}) > 0.99 * fan_in);
  REQUIRE(limit_of(fan_in_uniform_, {40, 2, 5, 5}) <= fan_in);
  REQUIRE(limit_of(fan_in_uniform_, {40, 2, 5, 5}) > 0.99 * fan_in);
  const double sigmoid = 4 * std::sqrt(6.0 / 90);
  REQUIRE(limit_of(sigmoid_uniform_, {40, 50}) <= sigmoid);
  REQUIRE(limit_of(sigmoid_uniform_, {40, 50}) > 0.99 * sigmoid);
}

TEST_CASE("Small normal weights have a standard deviation of .1") {
  const auto weight = drawn(small_normal_, {80, 50});
  const double n = 80 * 50;
  REQUIRE(std::abs(weight.mean().item<double>()) < 5 * 0.1 / std::sqrt(n));
  REQUIRE(std::abs(weight.std().item<double>() - 0.1) < 5 * 0.1 / std::sqrt(2 * n));
}

TEST_CASE("A unit of sparse weights has fifteen inputs, or all there are") {
  const auto weight = drawn(sparse_normal_, {300, 40});
  const auto on = weight.ne(0);
  REQUIRE(on.sum(1).eq(15).all().item<bool>());
  // Each input has its share of units, and those weights are standard normal.
  const double share = 15.0 / 40;
  const auto of_input = on.sum(0).to(torch::kFloat64);
  REQUIRE((of_input - 300 * share).abs().max().item<double>() <
          5 * std::sqrt(300 * share * (1 - share)));
  const auto values = weight.masked_select(on);
  const double n = 300 * 15;
  REQUIRE(std::abs(values.mean().item<double>()) < 5 / std::sqrt(n));
  REQUIRE(std::abs(values.std().item<double>() - 1) < 5 / std::sqrt(2 * n));
  for (const int64_t inputs : {1, 9, 15})
    REQUIRE(drawn(sparse_normal_, {20, inputs}).ne(0).all().item<bool>());
  REQUIRE(drawn(sparse_normal_, {20, 16}).ne(0).sum(1).eq(15).all().item<bool>());
  const auto kernels = drawn(sparse_normal_, {20, 3, 3, 3});
  REQUIRE(kernels.view({20, 27}).ne(0).sum(1).eq(15).all().item<bool>());
}

}  // namespace
}  // namespace layerwise
