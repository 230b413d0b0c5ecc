#include "layerwise/data/csv.h"

#include <fstream>
#include <string>
#include <vector>

#include "layerwise/file.h"

#include "testing.h"

namespace layerwise {
namespace {

using testing::contains;
using testing::TemporaryFolder;

CsvData read(const std::string& text, const CsvOptions& options = {}) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "table.csv";
  std::ofstream(path, std::ios::binary) << text;
  return read_csv(path, options);
}

/// What the error says, which names the file.
std::string fault(const std::string& text, const CsvOptions& options = {}) {
  try {
    read(text, options);
  } catch (const FileError& error) {
    REQUIRE(contains(error.what(), "table.csv'"));
    return error.what();
  }
  return {};
}

TEST_CASE("A table of numbers becomes inputs and classes") {
  const auto table = read("x0,kind,x1\n1,b,2.5\n-3e2,a,4\n5,b, +6 \n", {.label = "kind"});
  REQUIRE(table.features == std::vector<std::string>{"x0", "x1"});
  REQUIRE(table.classes == std::vector<std::string>{"a", "b"});
  REQUIRE(torch::equal(table.data.inputs,
                       torch::tensor({1., 2.5, -300., 4., 5., 6.}, torch::kFloat32).view({3, 2})));
  REQUIRE(torch::equal(table.data.targets, torch::tensor({1, 0, 1}, torch::kInt64)));
}

TEST_CASE("Classes that are numbers are numbered in their order") {
  const auto table = read("x;y\n0;10\n0;9\n0;10.0\n", {.label = "y", .separator = ';'});
  REQUIRE(table.classes == std::vector<std::string>{"9", "10"});
  REQUIRE(torch::equal(table.data.targets, torch::tensor({1, 0, 1}, torch::kInt64)));
}

TEST_CASE("Without a label every column is an input") {
  const auto table = read("a,b\n1,2\n3,4\n");
  REQUIRE(table.features.size() == 2);
  REQUIRE(table.data.inputs.size(1) == 2);
  REQUIRE_FALSE(table.data.targets.defined());
}

TEST_CASE(
    "Quoted fields, byte order marks, ends of lines and empty lines are read as others write "
    "them") {
  const auto table =
      read("\xef\xbb\xbf\"x, first\",y\r\n\r\n\"1\",\"say \"\"no\"\"\"\r\n2,\"two\nlines\"\r3,z",
           {.label = "y"});
  REQUIRE(table.features == std::vector<std::string>{"x, first"});
  REQUIRE(table.classes == std::vector<std::string>{"say \"no\"", "two\nlines", "z"});
  REQUIRE(table.data.inputs.size(0) == 3);
}

TEST_CASE("What is no table of numbers is refused with its line and column") {
  CHECK(contains(fault(""), "is empty"));
  CHECK(contains(fault("a,b\n"), "has no row"));
  CHECK(contains(fault("a,b\n1,2\n3\n"), "line 3: 1 values, expected 2"));
  CHECK(contains(fault("a,b\n1,2,3\n"), "line 2: 3 values"));
  for (const auto* value : {"", "x", "nan", "inf", "1e400", "1e39", "1 2", "0x10"})
    CHECK(contains(fault(std::string("a,b\n1,") + value + "\n"),
                   std::string("line 2: column 'b': '") + value + "' is no finite number"));
  CHECK(contains(fault("a,b\n1,2\n", {.label = "y"}), "no column 'y' among a, b"));
  CHECK(contains(fault("a,y\n1,\n", {.label = "y"}), "line 2: column 'y' is empty"));
  CHECK(contains(fault("y\n1\n", {.label = "y"}), "no column but the label"));
  CHECK(contains(fault("a,b\n\"1\n2\",3\n4\n"), "line 2: column 'a'"));
  CHECK(contains(fault("a,b\n1,\"2\n3,4\n"), "line 2: a quotation mark is not closed"));
  CHECK(contains(fault("a,b,a\n1,2,3\n"), "two columns are called 'a'"));
  CHECK_THROWS_AS(read_csv("no-such-file.csv"), FileError);
}

Dataset rows_of_classes(const std::vector<int64_t>& counts) {
  std::vector<int64_t> labels;
  for (size_t c = 0; c < counts.size(); ++c)
    labels.insert(labels.end(), static_cast<size_t>(counts[c]), static_cast<int64_t>(c));
  const auto rows = static_cast<int64_t>(labels.size());
  return {torch::arange(rows, torch::kFloat32).view({rows, 1}),
          torch::tensor(labels, torch::kInt64)};
}

TEST_CASE("A random split has every row once, and the shares asked for") {
  const auto all = rows_of_classes({60, 30, 10});
  RandomState order(1);
  const auto parts = split(all, {.validation = .2, .test = .3}, false, order);
  REQUIRE(parts.train.size() == 50);
  REQUIRE(parts.validation.size() == 20);
  REQUIRE(parts.test.size() == 30);
  const auto rows =
      torch::cat({parts.train.inputs, parts.validation.inputs, parts.test.inputs}).view(-1);
  REQUIRE(torch::equal(std::get<0>(rows.sort()), all.inputs.view(-1)));
  RandomState again(1);
  const auto walk = again.permutation(100);
  REQUIRE(parts.test.inputs[0].item<int64_t>() == walk[0]);
}

TEST_CASE("A stratified split keeps the shares of the classes") {
  RandomState order(1);
  const auto parts =
      split(rows_of_classes({60, 30, 10}), {.validation = .2, .test = .1}, true, order);
  const auto counts = [](const Dataset& part) { return torch::bincount(part.targets, {}, 3); };
  REQUIRE(torch::equal(counts(parts.test), torch::tensor({6, 3, 1}, torch::kInt64)));
  REQUIRE(torch::equal(counts(parts.validation), torch::tensor({12, 6, 2}, torch::kInt64)));
  REQUIRE(torch::equal(counts(parts.train), torch::tensor({42, 21, 7}, torch::kInt64)));
}

TEST_CASE("A split that leaves a part empty is refused") {
  RandomState order(1);
  const auto all = rows_of_classes({3, 1});
  CHECK_THROWS_AS(split(all, {.validation = 0, .test = 1}, false, order), std::invalid_argument);
  CHECK_THROWS_AS(split(all, {.validation = .1, .test = .5}, false, order), std::invalid_argument);
  CHECK_THROWS_AS(split(all, {.validation = -.1, .test = .5}, false, order), std::invalid_argument);
  CHECK_THROWS_AS(split({all.inputs, {}}, {.validation = 0, .test = .5}, true, order),
                  std::invalid_argument);
  CHECK_FALSE(
      split({all.inputs, {}}, {.validation = 0, .test = .5}, false, order).train.targets.defined());
}

}  // namespace
}  // namespace layerwise
