// That what several subscribers are sent is encoded once.

#include "shard/encoded_publication.hpp"

#include <doctest/doctest.h>
#include <span>
#include <string_view>
#include <utility>

#include "dialect/raw.hpp"

using namespace ringcast;
using namespace ringcast::shard;

TEST_CASE("who takes deltas shares a whole publication with the others, where it is the same") {
    using Shape = EncodedPublication::Shape;
    BufferPool pool;
    const std::string_view payload = "{\"price\":100}";
    SharedFrame frame{pool, dialect::raw::frame_bytes(payload.size())};
    dialect::raw::write_frame(frame.bytes(), PublicationKind::json,
                              std::as_bytes(std::span{payload}));
    PublicationDeltas deltas;
    EncodedPublication publication{
        std::move(frame), payload.size(), "topic", PublicationKind::json, {}};
    publication.set_previous({}, deltas);
    const auto octets = [&](Encoding encoding, Shape shape) {
        return publication.frame(encoding, pool, shape).bytes().data();
    };
    for (const Encoding encoding :
         {Encoding::centrifuge_protobuf, Encoding::centrifuge_delimited}) {
        CHECK(octets(encoding, Shape::whole) == octets(encoding, Shape::plain));
        // There is nothing that it could be a delta to.
        CHECK(octets(encoding, Shape::delta) == octets(encoding, Shape::plain));
    }
    // JSON has it as a string for them.
    for (const Encoding encoding : {Encoding::centrifuge_json, Encoding::centrifuge_lines}) {
        CHECK(octets(encoding, Shape::whole) != octets(encoding, Shape::plain));
        CHECK(octets(encoding, Shape::delta) == octets(encoding, Shape::whole));
    }
}
