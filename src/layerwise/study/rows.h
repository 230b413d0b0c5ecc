#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace layerwise::study {

/// The first lines of the tables of a run.
constexpr auto metrics_header = "repeat,seed,variant,labels,stage,layers,split,metric,value";
constexpr auto curves_header = "repeat,variant,labels,stage,epoch,step,split,metric,value";
constexpr auto troubles_header = "repeat,variant,labels,stage,layers,task,trouble,details";
constexpr auto rates_header = "repeat,variant,learning_rate,score";

/// A value as these tables hold it, so that a resumed run reads what it would have had.
double as_written(double value);

/// The items between the commas of a text; the text itself if it has no comma.
std::vector<std::string> cut_at_commas(const std::string& text);

/// The fields of a row. The text of the last one ends with a zero byte.
using Fields = std::vector<std::string_view>;
/// Whether a table may end within a row. One that a killed run was appending to may: the kernel
/// ends the write of a killed program at a page's boundary. What is not a whole line is then no
/// row.
enum class LastRow { whole, may_be_cut };
/// Calls `take` with each row of a CSV file of a run, in one pass.
/// @throws report::Failure as `read_rows`, before `take` gets the row that is wrong
void for_each_row(const std::filesystem::path& path, const std::string& header, LastRow last_row,
                  const std::function<void(const Fields&)>& take);

/// The rows of a CSV file of a run, each split at its commas.
/// @throws report::Failure if the file cannot be read, has another header, or a row is incomplete,
///   other than a last one that may be
std::vector<std::vector<std::string>> read_rows(const std::filesystem::path& path,
                                                const std::string& header, LastRow last_row);

}  // namespace layerwise::study
