#pragma once
#include <span>
#include <string>

namespace rekeyd::config {

/// A policy file as it was read.
struct PolicyText {
  std::string name;   ///< Without its folder: the digest is the same wherever the folder lies.
  std::string shown;  ///< As messages call it.
  std::string bytes;
};

/// SHA-256 in hex over, for each file in the given order: its name, a NUL, its length in decimal, a NUL, its
/// bytes. Anyone can compute it again with sha256sum.
std::string policy_digest(std::span<PolicyText const> files);

}  // namespace rekeyd::config
