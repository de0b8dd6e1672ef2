#include "advice/commands.hpp"

#include <algorithm>
#include <utility>

#include "advice/capacity_answer.hpp"
#include "advice/doctor.hpp"
#include "base/assert.hpp"
#include "server/command_line.hpp"

namespace ringcast::advice {

std::optional<server::Exit> answer_command(const server::OptionSources& sources) {
    if (sources.arguments.empty()) return std::nullopt;
    const std::string& name = sources.arguments.front();
    const auto named = std::ranges::find(server::subcommands, name, &server::Subcommand::name);
    if (named == server::subcommands.end()) return std::nullopt;
    server::OptionSources own = sources;
    own.arguments.erase(own.arguments.begin());
    if (name == "doctor") return answer_doctor(own, this_host());
    RC_ASSERT(name == "capacity");
    return answer_capacity(own);
}

}  // namespace ringcast::advice
