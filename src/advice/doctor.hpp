#pragma once
// `ringcast doctor`: checks the host for what a server with the same flags would need.

#include <string>
#include <vector>

#include "advice/finding.hpp"
#include "advice/host.hpp"
#include "server/options.hpp"

namespace ringcast::advice {

struct Diagnosis {
    std::string server;  ///< What was looked at, in one line.
    std::vector<Finding> findings;

    /// The worst of all.
    [[nodiscard]] Verdict verdict() const noexcept;
};

[[nodiscard]] Diagnosis examine(const server::Options& options, const Host& host);

/// For people: every check, then the lines to paste, by place.
[[nodiscard]] std::string to_text(const Diagnosis& diagnosis);
/// For machines: one object in one line.
[[nodiscard]] std::string to_json(const Diagnosis& diagnosis);

/// `sources` without the name of the command. The code is 1 if something is a problem.
[[nodiscard]] server::Exit answer_doctor(const server::OptionSources& sources, const Host& host);

}  // namespace ringcast::advice
