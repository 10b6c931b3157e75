#include "tests/simulator/ibm/key.hpp"

namespace rekeyd::sim::ibm {

namespace {

void grow_older(std::optional<Instant>& moment, std::chrono::seconds by) {
  if (moment) *moment -= by;
}

void grow_older(Registration& registration, std::chrono::seconds by) {
  registration.created -= by;
  registration.last_updated -= by;
  if (registration.pending) registration.pending->done_at -= by;
}

}  // namespace

void grow_older(Key& key, std::chrono::seconds by) {
  key.created.at -= by;
  key.seen_from -= by;
  key.last_updated -= by;
  for (auto* const moment : {&key.last_rotated, &key.last_notified, &key.suspended_at})
    grow_older(*moment, by);
  if (key.deleted) key.deleted->at -= by;
  for (KeyVersion& version : key.versions) {
    version.created -= by;
    version.seen_from -= by;
  }
  if (key.rotation_policy) {
    key.rotation_policy->created.at -= by;
    key.rotation_policy->updated.at -= by;
  }
  if (key.dual_auth && key.dual_auth->set_for_deletion) key.dual_auth->set_for_deletion->at -= by;
  for (Registration& registration : key.registrations) grow_older(registration, by);
}

}  // namespace rekeyd::sim::ibm
