#include "api/upgrade.hpp"

#include <algorithm>
#include <utility>

#include "http/response.hpp"
#include "shard/inbox.hpp"
#include "shard/session.hpp"
#include "shard/shard.hpp"
#include "ws/handshake.hpp"

namespace ringcast {

namespace {

bool is_token(std::string_view text) noexcept {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               marks.find(c) != std::string_view::npos;
    });
}

bool is_field_value(std::string_view text) noexcept {
    return std::ranges::none_of(text, [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    });
}

}  // namespace

bool api::append_field(std::string& fields, std::string_view name, std::string_view value) {
    if (!is_token(name) || !is_field_value(value)) return false;
    fields.append(name).append(": ").append(value).append("\r\n");
    return true;
}

std::string_view Upgrade::path() const noexcept {
    return impl_->upgrade.request.path;
}

std::string_view Upgrade::header(std::string_view name) const noexcept {
    return impl_->upgrade.request.field(name).value_or(std::string_view{});
}

std::optional<std::string> Upgrade::query(std::string_view name) const {
    return http::query_parameter(impl_->upgrade.request.query, name);
}

std::string_view Upgrade::param(std::string_view name) const noexcept {
    for (const shard::PathParameter& parameter : impl_->upgrade.parameters) {
        if (parameter.name == name) return parameter.value;
    }
    return {};
}

const User* Upgrade::user() const noexcept {
    return impl_->user;
}

std::string Upgrade::peer_address() const {
    return impl_->upgrade.session.peer_address().to_string();
}

std::vector<std::string_view> Upgrade::subprotocols() const {
    std::vector<std::string_view> offered;
    ws::for_each_subprotocol(impl_->upgrade.request, [&](std::string_view name) {
        offered.push_back(name);
        return true;
    });
    return offered;
}

bool Upgrade::select_subprotocol(std::string_view name) {
    bool is_offered = false;
    ws::for_each_subprotocol(impl_->upgrade.request, [&](std::string_view offered) {
        is_offered = offered == name;
        return !is_offered;
    });
    if (is_offered) impl_->subprotocol = name;
    return is_offered;
}

bool Upgrade::add_header(std::string_view name, std::string_view value) {
    return api::append_field(impl_->fields, name, value);
}

/// Where a verdict has to go. Holds a reference to the inbox, which may outlive its shard.
struct detail::TicketCore::Impl {
    shard::Inbox* inbox;
    SlotId session;
    std::string subprotocol;
    std::string fields;
};

detail::TicketCore Upgrade::make_ticket() {
    if (std::exchange(impl_->deferred, true)) return detail::TicketCore{nullptr};
    shard::Session& session = impl_->upgrade.session;
    shard::Inbox& inbox = session.shard().inbox();
    inbox.acquire();
    return detail::TicketCore{new detail::TicketCore::Impl{
        .inbox = &inbox,
        .session = session.id(),
        .subprotocol = impl_->subprotocol,
        .fields = impl_->fields,
    }};
}

namespace {

void post(detail::TicketCore::Impl& impl, shard::Verdict verdict) {
    auto note = std::make_unique<shard::Note>();
    note->kind = shard::Note::Kind::verdict;
    note->session = impl.session;
    note->verdict = std::move(verdict);
    impl.inbox->post(std::move(note));  // A closed inbox: server and client are gone.
    impl.inbox->release();
}

}  // namespace

detail::TicketCore::~TicketCore() {
    reject({.status = 503, .body = "admission was abandoned\n"});
}

void detail::TicketCore::admit(ErasedState state) {
    const std::unique_ptr<Impl> impl{std::exchange(impl_, nullptr)};
    if (!impl) return;
    shard::Verdict verdict;
    verdict.state = std::move(state);
    verdict.subprotocol = std::move(impl->subprotocol);
    verdict.fields = std::move(impl->fields);
    post(*impl, std::move(verdict));
}

void detail::TicketCore::reject(Rejection rejection) {
    const std::unique_ptr<Impl> impl{std::exchange(impl_, nullptr)};
    if (impl) post(*impl, api::refused(std::move(rejection)));
}

namespace api {

shard::Verdict admitted(detail::ErasedState state, Upgrade::Impl&& impl) {
    shard::Verdict verdict;
    verdict.state = std::move(state);
    verdict.subprotocol = std::move(impl.subprotocol);
    verdict.fields = std::move(impl.fields);
    return verdict;
}

shard::Verdict refused(Rejection&& rejection) {
    shard::Verdict verdict;
    verdict.kind = shard::Verdict::Kind::refuse;
    verdict.status = rejection.status;
    verdict.body = std::move(rejection.body);
    bool is_valid = rejection.status >= 400 && rejection.status <= 599;
    for (const Header& header : rejection.headers)
        is_valid &= append_field(verdict.fields, header.name, header.value);
    if (is_valid) return verdict;
    shard::Verdict mistake;
    mistake.kind = shard::Verdict::Kind::refuse;
    mistake.status = 500;
    mistake.body = "internal error\n";
    return mistake;
}

}  // namespace api

}  // namespace ringcast
