#pragma once
// JSON as a reader of RFC 8259 would check it by hand, one function for each rule of its grammar;
// what the quick reader is measured against. Recurses, so the depth is bounded. Looks at no UTF-8.

#include <cstddef>
#include <string_view>

namespace ringcast::test {

class JsonGrammar {
public:
    explicit JsonGrammar(std::string_view text, std::size_t depth_max)
        : text_(text), depth_max_(depth_max) {}

    /// JSON-text = ws value ws
    bool matches() {
        space();
        if (!value(0)) return false;
        space();
        return at_ == text_.size();
    }

private:
    bool take(std::string_view word) {
        if (text_.substr(at_, word.size()) != word) return false;
        at_ += word.size();
        return true;
    }
    bool take_one_of(std::string_view characters) {
        if (at_ == text_.size() || characters.find(text_[at_]) == std::string_view::npos)
            return false;
        ++at_;
        return true;
    }
    void space() {
        while (take_one_of(" \t\n\r")) {
        }
    }
    bool value(std::size_t depth) {
        if (take("true") || take("false") || take("null")) return true;
        if (at_ == text_.size()) return false;
        if (text_[at_] == '{' || text_[at_] == '[') {
            if (depth == depth_max_) return false;
            return text_[at_] == '{' ? object(depth + 1) : array(depth + 1);
        }
        return text_[at_] == '"' ? string() : number();
    }
    bool object(std::size_t depth) {
        take("{");
        space();
        if (take("}")) return true;
        do {
            space();
            if (!string()) return false;
            space();
            if (!take(":")) return false;
            space();
            if (!value(depth)) return false;
            space();
        } while (take(","));
        return take("}");
    }
    bool array(std::size_t depth) {
        take("[");
        space();
        if (take("]")) return true;
        do {
            space();
            if (!value(depth)) return false;
            space();
        } while (take(","));
        return take("]");
    }
    bool string() {
        if (!take("\"")) return false;
        while (!take("\"")) {
            if (at_ == text_.size() || static_cast<unsigned char>(text_[at_]) < 0x20) return false;
            if (!take("\\")) {
                ++at_;
            } else if (take("u")) {
                for (int i = 0; i < 4; ++i) {
                    if (!take_one_of("0123456789abcdefABCDEF")) return false;
                }
            } else if (!take_one_of("\"\\/bfnrt")) {
                return false;
            }
        }
        return true;
    }
    bool digits() {
        if (!take_one_of("0123456789")) return false;
        while (take_one_of("0123456789")) {
        }
        return true;
    }
    bool number() {
        take("-");
        if (!take("0") && !digits()) return false;
        if (take(".") && !digits()) return false;
        if (take_one_of("eE")) {
            take_one_of("+-");
            return digits();
        }
        return true;
    }

    std::string_view text_;
    std::size_t depth_max_;
    std::size_t at_ = 0;
};

}  // namespace ringcast::test
