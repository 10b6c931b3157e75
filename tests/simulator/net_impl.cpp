// The bodies of Asio and Beast for rekeyd-sim, which does not link rekeyd_providers and its copy of them.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
