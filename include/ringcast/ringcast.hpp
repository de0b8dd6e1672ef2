#pragma once
// Everything: ringcast as a library. See server.hpp for where to begin.

#include "ringcast/centrifuge.hpp"
#include "ringcast/close_code.hpp"
#include "ringcast/compression.hpp"
#include "ringcast/message.hpp"
#include "ringcast/page.hpp"
#include "ringcast/server.hpp"
#include "ringcast/session.hpp"
#include "ringcast/settings.hpp"
#include "ringcast/tls.hpp"
#include "ringcast/topic.hpp"
#include "ringcast/topic_namespace.hpp"
#include "ringcast/topics.hpp"
#include "ringcast/upgrade.hpp"
