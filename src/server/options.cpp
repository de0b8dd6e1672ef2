#include "server/options.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/core.h>
#include <memory>
#include <span>
#include <string_view>
#include <unistd.h>
#include <utility>

#include "base/units.hpp"
#include "ring/make_ring.hpp"
#include "server/check_settings.hpp"
#include "server/command_line.hpp"
#include "server/config_file.hpp"
#include "server/demo_prices.hpp"
#include "server/listening.hpp"
#include "server/namespace_options.hpp"
#include "server/option_table.hpp"
#include "server/prometheus.hpp"
#include "server/version.hpp"

namespace ringcast::server {
namespace {

/// A sentence without its full stop, or nothing wrong.
using Check = std::expected<void, std::string>;

constexpr std::string_view environment_prefix = "RINGCAST_";
constexpr std::string_view dev_url = "ws://127.0.0.1:8080";

/// The environment's part of the settings. An empty variable is as good as none: that is how a
/// template leaves one out. RINGCAST_CONFIG is the path of the file; RINGCAST_SIMD belongs to the
/// kernels.
std::expected<std::vector<Setting>, std::string> read_environment(const OptionSources& sources) {
    std::vector<std::string> names;
    for (const OptionRow& row : option_table()) names.push_back(environment_name(row.name));

    std::vector<Setting> settings;
    for (const auto& [name, value] : sources.environment) {
        if (!name.starts_with(environment_prefix)) continue;
        if (name == "RINGCAST_CONFIG" || name == "RINGCAST_SIMD") continue;
        const auto found = std::ranges::find(names, name);
        if (found == names.end()) {
            return std::unexpected{
                fmt::format("unknown environment variable {}{}", name, suggestion(name, names))};
        }
        if (value.empty()) continue;
        const OptionRow& row = option_table()[static_cast<std::size_t>(found - names.begin())];
        Setting setting{&row, {}, "environment variable " + name};
        if (row.form == OptionRow::Form::list) {
            constexpr std::string_view separators = ", \t\n";
            std::size_t begin = 0;
            while ((begin = value.find_first_not_of(separators, begin)) != std::string::npos) {
                const std::size_t end =
                    std::min(value.find_first_of(separators, begin), value.size());
                setting.values.push_back(value.substr(begin, end - begin));
                begin = end;
            }
        } else {
            setting.values.push_back(value);
        }
        settings.push_back(std::move(setting));
    }
    return settings;
}

/// What the --config file says.
struct Config {
    std::vector<Setting> settings;
    std::vector<TopicNamespace> namespaces;
};

std::expected<Config, std::string> read_config(const OptionSources& sources,
                                               const CommandLine& command_line) {
    std::optional<std::string> path = command_line.config_path;
    if (const auto named = sources.environment.find("RINGCAST_CONFIG");
        !path && named != sources.environment.end() && !named->second.empty()) {
        path = named->second;
    }
    if (!path) return Config{};
    const auto text = sources.read_file(*path);
    if (!text) return std::unexpected{fmt::format("--config {}: {}", *path, text.error())};
    auto settings = parse_config(*text, *path);
    if (!settings) return std::unexpected{std::move(settings.error())};
    auto namespaces = parse_namespaces(*text, *path);
    if (!namespaces) return std::unexpected{std::move(namespaces.error())};
    return Config{*std::move(settings), *std::move(namespaces)};
}

/// What 0 stands for is `otherwise`.
std::uint32_t chosen(std::uint32_t value, std::uint32_t otherwise) {
    return value != 0 ? value : otherwise;
}

/// Options in the making, together with where each value comes from.
class Merger {
public:
    explicit Merger(std::vector<TopicNamespace> namespaces)
        : sources_(option_table().size(), "default") {
        options_.namespaces = std::move(namespaces);
    }

    /// Applies the settings of one source over those of weaker ones.
    Check apply(std::span<const Setting> settings) {
        for (const Setting& setting : settings) {
            const OptionRow& row = *setting.option;
            if (row.form == OptionRow::Form::list) row.clear(options_);
            for (const std::string& value : setting.values) {
                if (auto stored = row.set(options_, value); !stored) {
                    return std::unexpected{
                        fmt::format("--{}: {} ({})", row.name, stored.error(), setting.source)};
                }
            }
            source_of(row) = setting.source;
        }
        return {};
    }

    /// What --demo implies, where nothing else was said.
    void apply_demo() {
        if (!options_.demo) return;
        if (!options_.dev) {
            options_.dev = true;
            source_of(*find_option("dev")) = "--demo";
        }
        for (const TopicNamespace& space : demo_namespaces()) {
            if (std::ranges::find(options_.namespaces, space.name, &TopicNamespace::name) ==
                options_.namespaces.end())
                options_.namespaces.push_back(space);
        }
    }

    /// What --dev implies, where nothing else was said.
    Check apply_dev() {
        if (!options_.dev) return {};
        options_.warnings.emplace_back(
            "--dev is for trying things out, not for production: /echo and a page at / are "
            "mounted, and everybody may publish to topics");
        if (!options_.echo) {
            options_.echo = true;
            source_of(*find_option("echo")) = "--dev";
        }
        if (source_of(*find_option("anonymous")) == "default") {
            options_.anonymous = TopicAccess::publish;
            source_of(*find_option("anonymous")) = "--dev";
        }
        if (!options_.listen.empty()) return {};
        const Setting setting{find_option("listen"), {std::string{dev_url}}, "--dev"};
        return apply({&setting, 1});
    }

    /// What no option can know alone.
    [[nodiscard]] Check check_together() const {
        const Options& o = options_;
        if (o.ping_interval > Duration{} && o.idle_timeout > Duration{} &&
            o.idle_timeout <= o.ping_interval) {
            return std::unexpected{
                fmt::format("{} must be longer than {}, or clients are closed before a ping could "
                            "show that they live",
                            describe("idle-timeout"), describe("ping-interval"))};
        }
        if (has_topic_clients(o) && o.idle_timeout > Duration{} &&
            o.idle_timeout <= centrifuge_ping_interval(o)) {
            return std::unexpected{
                fmt::format("{} must be longer than 1 s, in which Centrifuge "
                            "clients are pinged",
                            describe("idle-timeout"))};
        }
        if (o.message_memory_max / longest_messages_min < o.message_bytes_max) {
            return std::unexpected{fmt::format("{} must be at least {} times {}",
                                               describe("message-memory-max"), longest_messages_min,
                                               describe("message-bytes-max"))};
        }
        const std::uint64_t buffers =
            ring::receive_bytes({.buffers_count = o.buffers_count, .buffer_bytes = o.buffer_bytes});
        if (buffers <= receive_bytes_max && o.message_memory_max / receive_buffers_min < buffers) {
            return std::unexpected{fmt::format("{} must be at least {} times {} times {}, {}",
                                               describe("message-memory-max"), receive_buffers_min,
                                               describe("buffers-count"), describe("buffer-bytes"),
                                               print_bytes(receive_buffers_min * buffers))};
        }
        const std::uint32_t submissions =
            chosen(o.ring_submissions, ring::Options{}.submissions_max);
        const std::uint32_t completions =
            chosen(o.ring_completions, ring::Options{}.completions_max);
        if (completions < submissions) {
            return std::unexpected{fmt::format("{} must be at least {}, as many as {}",
                                               describe("ring-completions"), submissions,
                                               describe("ring-submissions"))};
        }
        if (std::uint64_t{o.buffers_count} * o.buffer_bytes > receive_bytes_max) {
            return std::unexpected{fmt::format("{} times {} is more than {}",
                                               describe("buffers-count"), describe("buffer-bytes"),
                                               print_bytes(receive_bytes_max))};
        }
        if (o.proxy_protocol && o.trusted_proxies.empty()) {
            return std::unexpected{fmt::format(
                "{} needs --trusted-proxies, or nobody could connect", describe("proxy-protocol"))};
        }
        if (auto checked = check_tls(); !checked) return checked;
        if (auto checked = check_twice("listen", o.listen, {}); !checked) return checked;
        return check_twice("admin-listen", o.admin_listen, o.listen);
    }

    [[nodiscard]] Check check_listens() const {
        if (!options_.listen.empty()) return {};
        return std::unexpected{
            fmt::format("nothing to listen on: give --listen {} or --dev", dev_url)};
    }

    /// Who gives a flag that has no effect is mistaken. What stands in a file or in the environment
    /// may wait there for what gives it one, and is only told of.
    [[nodiscard]] Check check_needs() {
        for (const OptionRow& row : option_table()) {
            const OptionNeed* const need = unmet_need(row, options_);
            if (need == nullptr || !is_wanted(row)) continue;
            std::string sentence =
                fmt::format("{} has no effect without {}", describe(row.name), need->flag);
            if (source_of(row) == command_line_source) return std::unexpected{std::move(sentence)};
            options_.warnings.push_back(std::move(sentence));
        }
        return {};
    }

    /// The settings as a file that --config takes; those that have no effect are comments there.
    [[nodiscard]] std::string to_toml() const {
        std::string text = fmt::format("# ringcast {}: the settings in effect\n", version);
        std::string_view section;
        for (const OptionRow& row : option_table()) {
            if (row.section != section) text += fmt::format("\n# {}\n", section = row.section);
            std::string list;
            for (std::string value : row.get(options_)) {
                if (row.form == OptionRow::Form::toggle) value = value == "on" ? "true" : "false";
                if (!list.empty()) list += ", ";
                list += toml_value(value);
            }
            if (row.form == OptionRow::Form::list) list = fmt::format("[{}]", list);
            const OptionNeed* const need = unmet_need(row, options_);
            text += fmt::format("{}{} = {}  # {}", need != nullptr ? "# " : "", row.name, list,
                                sources_[index_of(row)]);
            if (need != nullptr) text += fmt::format("; no effect without {}", need->flag);
            text += '\n';
        }
        return text + server::to_toml(options_.namespaces);
    }

    [[nodiscard]] Options take() && {
        if (!options_.echo && !has_topic_clients(options_)) {
            options_.warnings.emplace_back(
                "nothing is mounted, every request is answered with 404: give --anonymous "
                "subscribe, --echo or --dev");
        }
        return std::move(options_);
    }

private:
    [[nodiscard]] Check check_tls() const {
        const Options& o = options_;
        if (!o.tls_keys.empty() && o.tls_keys.size() != o.tls_certs.size()) {
            return std::unexpected{
                fmt::format("--tls-cert is given {} times and --tls-key {} times",
                            o.tls_certs.size(), o.tls_keys.size())};
        }
        if (!o.tls_certs.empty() || !o.tls_directory.empty()) return {};
        const auto secure = std::ranges::find_if(
            o.listen, [](const ListenUrl& url) { return scheme_of(url.text) == "wss"; });
        if (secure == o.listen.end()) return {};
        return std::unexpected{fmt::format(
            "--listen {} needs a certificate: give --tls-cert and --tls-key, or --tls-directory",
            secure->text)};
    }

    /// No address may be in `urls`, of the option `name`, twice, nor in `others`. Port 0 is another
    /// port each time.
    [[nodiscard]] static Check check_twice(std::string_view name,
                                           const std::vector<ListenUrl>& urls,
                                           const std::vector<ListenUrl>& others) {
        for (auto url = urls.begin(); url != urls.end(); ++url) {
            const bool any_port =
                url->address.family != ring::Address::Family::unix_path && url->address.port == 0;
            if (any_port) continue;
            const auto is_same = [&](const ListenUrl& other) {
                return other.address == url->address;
            };
            if (std::any_of(urls.begin(), url, is_same))
                return std::unexpected{fmt::format("--{} {} is given twice", name, url->text)};
            if (std::ranges::any_of(others, is_same)) {
                return std::unexpected{
                    fmt::format("--{} {} is the address of a --listen, too", name, url->text)};
            }
        }
        return {};
    }

    /// Somebody has set it, and not to nothing.
    [[nodiscard]] bool is_wanted(const OptionRow& row) const {
        constexpr std::array<std::string_view, 4> nothing{"", "0", "0s", "off"};
        return sources_[index_of(row)] != "default" &&
               std::ranges::any_of(row.get(options_), [&](const std::string& value) {
                   return std::ranges::find(nothing, value) == nothing.end();
               });
    }

    static std::size_t index_of(const OptionRow& row) {
        return static_cast<std::size_t>(&row - option_table().data());
    }
    std::string& source_of(const OptionRow& row) { return sources_[index_of(row)]; }

    /// `--idle-timeout 20s (ringcast.toml:3)`
    [[nodiscard]] std::string describe(std::string_view name) const {
        const OptionRow& row = *find_option(name);
        return fmt::format("--{} {} ({})", name, row.get(options_).front(),
                           sources_[index_of(row)]);
    }

    Options options_;
    std::vector<std::string> sources_;
};

std::unexpected<Exit> mistake(std::string_view sentence) {
    return std::unexpected{mistake_of(sentence)};
}

std::unexpected<Exit> answer(std::string text) {
    return std::unexpected{Exit{0, std::move(text)}};
}

std::expected<std::string, std::string> read_file(const std::string& path) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "re"),
                                                               &std::fclose};
    if (file == nullptr) return std::unexpected{std::string{std::strerror(errno)}};
    std::string text;
    std::array<char, 4096> chunk;
    while (const std::size_t size = std::fread(chunk.data(), 1, chunk.size(), file.get())) {
        text.append(chunk.data(), size);
    }
    if (std::ferror(file.get()) != 0) return std::unexpected{std::string{std::strerror(errno)}};
    return text;
}

}  // namespace

Exit mistake_of(std::string_view sentence) {
    return {Exit::usage, fmt::format("ringcast: {}\n", sentence)};
}

OptionSources process_sources(int argument_count, const char* const* arguments) {
    OptionSources sources;
    if (argument_count > 1) sources.arguments.assign(arguments + 1, arguments + argument_count);
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text{*entry};
        const std::size_t split = text.find('=');
        if (split == std::string_view::npos) continue;
        sources.environment.emplace(text.substr(0, split), text.substr(split + 1));
    }
    sources.read_file = read_file;
    return sources;
}

std::expected<Options, Exit> load_options(const OptionSources& sources, Purpose purpose) {
    const auto command_line = parse_command_line(sources.arguments);
    if (!command_line) return mistake(command_line.error());
    if (command_line->help) return answer(help_text());
    if (command_line->version) return answer(fmt::format("ringcast {}\n", version));
    if (command_line->print_flags_markdown) return answer(flags_markdown());
    if (command_line->print_metrics) return answer(prometheus_text({{shard::Metrics{}}}, {}));

    const auto config = read_config(sources, *command_line);
    if (!config) return mistake(config.error());
    const auto environment = read_environment(sources);
    if (!environment) return mistake(environment.error());

    Merger merger{config->namespaces};
    for (const auto* settings : {&config->settings, &*environment, &command_line->settings}) {
        if (auto applied = merger.apply(*settings); !applied) return mistake(applied.error());
    }
    merger.apply_demo();
    if (auto applied = merger.apply_dev(); !applied) return mistake(applied.error());
    if (auto checked = merger.check_together(); !checked) return mistake(checked.error());
    // A configuration may be printed before it says where to listen, and shows what has no effect;
    // it cannot be used.
    if (command_line->print_config) return answer(merger.to_toml());
    if (purpose == Purpose::serve) {
        if (auto checked = merger.check_listens(); !checked) return mistake(checked.error());
    }
    if (purpose != Purpose::reckon) {
        if (auto checked = merger.check_needs(); !checked) return mistake(checked.error());
    }
    Options options = std::move(merger).take();
    options.check_config = command_line->check_config;
    return options;
}

}  // namespace ringcast::server
