#pragma once
#include "tests/simulator/ibm/call.hpp"
#include "tests/simulator/ibm/instance.hpp"

/// What the service does, one function an operation; routes.cpp says which request leads to which.
/// The key of a KeyOperation is brought up to the call's moment.
namespace rekeyd::sim::ibm {

using InstanceOperation = Outcome (*)(Instance&, Call const&);
using KeyOperation = Outcome (*)(Instance&, Key&, Call const&);

// keys.cpp
Outcome create_key(Instance& instance, Call const& call);
Outcome create_key_with_policies(Instance& instance, Call const& call);
Outcome get_key(Instance& instance, Key& key, Call const& call);
Outcome get_metadata(Instance& instance, Key& key, Call const& call);
Outcome patch_key(Instance& instance, Key& key, Call const& call);
Outcome list_versions(Instance& instance, Key& key, Call const& call);

// listing.cpp
Outcome list_keys(Instance& instance, Call const& call);
Outcome count_keys(Instance& instance, Call const& call);

// actions.cpp
Outcome rotate(Instance& instance, Key& key, Call const& call);
Outcome wrap(Instance& instance, Key& key, Call const& call);
Outcome unwrap(Instance& instance, Key& key, Call const& call);
Outcome rewrap(Instance& instance, Key& key, Call const& call);

// lifecycle.cpp
Outcome disable(Instance& instance, Key& key, Call const& call);
Outcome enable(Instance& instance, Key& key, Call const& call);
Outcome delete_key(Instance& instance, Key& key, Call const& call);
Outcome restore(Instance& instance, Key& key, Call const& call);
Outcome purge(Instance& instance, Key& key, Call const& call);
Outcome set_for_deletion(Instance& instance, Key& key, Call const& call);
Outcome unset_for_deletion(Instance& instance, Key& key, Call const& call);
Outcome sync(Instance& instance, Key& key, Call const& call);

// registrations.cpp
Outcome list_key_registrations(Instance& instance, Key& key, Call const& call);
Outcome list_registrations(Instance& instance, Call const& call);

// key_policies.cpp, instance_policies.cpp
Outcome get_key_policies(Instance& instance, Key& key, Call const& call);
Outcome put_key_policies(Instance& instance, Key& key, Call const& call);
Outcome get_instance_policies(Instance& instance, Call const& call);
Outcome put_instance_policies(Instance& instance, Call const& call);
Outcome get_allowed_ip_port(Instance& instance, Call const& call);

// import_token.cpp
Outcome create_import_token(Instance& instance, Call const& call);
Outcome get_import_token(Instance& instance, Call const& call);

// names.cpp
Outcome list_key_rings(Instance& instance, Call const& call);
Outcome create_key_ring(Instance& instance, Call const& call);
Outcome delete_key_ring(Instance& instance, Call const& call);
Outcome create_alias(Instance& instance, Key& key, Call const& call);
Outcome delete_alias(Instance& instance, Key& key, Call const& call);

}  // namespace rekeyd::sim::ibm
