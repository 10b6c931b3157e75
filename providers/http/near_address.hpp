#pragma once
#include <boost/asio/ip/address.hpp>

namespace rekeyd::providers {

/// A loopback address, or a link-local one: 169.254.0.0/16, fe80::/10.
bool is_near(boost::asio::ip::address const& address);

}  // namespace rekeyd::providers
