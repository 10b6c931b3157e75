// Files in a DEK store that are not what they should be.
#include "tests/end_to_end/site.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

namespace rekeyd::test {

namespace {

using Catch::Matchers::Contains;
namespace fs = std::filesystem;

/// Overdue keys at an RSA provider and at one that re-wraps by itself.
Organisation::Wanted two_clouds() {
  Organisation::Wanted wanted;
  wanted.keys = {};
  wanted.keys.payments = {"{ name: cmk-due, created: 14 months ago, deks: 4 }"};
  wanted.keys.orders = {"{ " + ibm_key("crk-due", 101) + ", created: 14 months ago, deks: 4 }"};
  return wanted;
}

/// The DEK files of a key, in order.
std::vector<fs::path> files_of(Site const& site, std::string const& key) {
  std::vector<fs::path> files;
  for (auto const& entry : fs::directory_iterator(site.deks() / key)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// The same envelope with a ciphertext that nobody made: the right length, the wrong bytes.
std::string with_garbage(std::string const& envelope) {
  boost::json::value document = boost::json::parse(envelope);
  auto& wdek = document.at("wdek").as_string();
  for (std::size_t i = wdek.size() / 3; i < wdek.size() / 3 + 8; ++i) wdek[i] = wdek[i] == 'A' ? 'B' : 'A';
  return boost::json::serialize(document);
}

}  // namespace

TEST_CASE("a file that is no envelope is told of and left alone and the DEKs around it move") {
  Organisation organisation(two_clouds());
  Site& site = organisation.site;
  std::string const letter = "Dear colleagues,\nthis is not JSON.\n";
  auto const stranger = site.write("deks/payments/cmk-due/letter.json", letter);
  site.start();
  site.await_settled();
  CHECK(site.rekeyctl({"status"}).exit == 0);
  auto const store = site.ask({"status"}).at("dek_stores").as_array().front();
  CHECK(store.at("defects_total") == 1);
  CHECK_THAT(std::string(store.at("defects").as_array().front().as_string()), Contains("letter.json"));
  CHECK_THAT(site.rekeyctl({"status"}).out, Contains("letter.json"));
  CHECK(text_of(stranger) == letter);
  fs::remove(stranger);
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK(site.stop() == 0);
}

TEST_CASE("while a DEK folder is away no key gets a version that its DEKs could not follow") {
  Organisation organisation(two_clouds());
  Site& site = organisation.site;
  fs::path const elsewhere = site.folder() / "unmounted";
  fs::rename(site.deks(), elsewhere);
  site.start();
  site.await("both rotations stand at their preflight and have told why", [&] {
    return site.number(
               "SELECT count(DISTINCT rotation) FROM audit_events WHERE step = 'preflight' AND outcome = "
               "'failed'") == 2;
  });
  CHECK_THAT(site.rekeyctl({"status"}).out, Contains(site.deks().string()));
  CHECK(organisation.new_versions().empty());

  CHECK(site.stop() == 0);
  fs::rename(elsewhere, site.deks());
  organisation.let_pass(std::chrono::hours(1));
  site.start();
  site.await_settled();
  CHECK(organisation.new_versions().size() == 2);
  CHECK(site.stop() == 0);
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

TEST_CASE("a WDEK that does not unwrap stays as it is and blocks its rotation until it is mended") {
  std::size_t const broken_one = GENERATE(0U, 2U);
  CAPTURE(broken_one);
  Organisation organisation(two_clouds());
  Site& site = organisation.site;
  std::vector<std::pair<fs::path, std::string>> broken;
  for (std::string const& key : {std::string("payments/cmk-due"), "orders/" + ibm_key_id(101)}) {
    auto const file = files_of(site, key).at(broken_one);
    broken.emplace_back(file, text_of(file));
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    site.write(fs::relative(file, site.folder()), with_garbage(text_of(file)));
  }
  std::string const garbage = text_of(broken.front().first);
  site.start();
  site.await("both rotations are blocked", [&] {
    return site.number("SELECT count(*) FROM audit_rotations WHERE state = 'blocked'") == 2;
  });
  CHECK(site.rekeyctl({"status"}).exit == 4);
  CHECK(site.number("SELECT count(*) FROM audit_rotations WHERE blocked_reason = 'deks_refused'") == 2);
  CHECK(site.number("SELECT count(*) FROM audit_events WHERE kind = 'dek_refused'") == 2);
  CHECK_THAT(site.text("SELECT sentence FROM audit_events WHERE kind = 'dek_refused' AND vault = 'payments'"),
             Contains(broken.front().first.filename().string()));
  CHECK(text_of(broken.front().first) == garbage);
  // Whoever stands first in the folder, the new wrapping was proved before the others followed.
  auto calls = organisation.clouds.requests_by_operation();
  CHECK(calls["keys.unwrap 200"] >= 2);
  for (auto const& [file, whole] : broken) {
    for (auto const& other : files_of(site, fs::relative(file.parent_path(), site.deks()))) {
      INFO(other);
      CHECK(organisation.clouds.dek_in(text_of(other)).has_value() == (other != file));
    }
  }

  for (auto const& [file, whole] : broken) {
    site.write(fs::relative(file, site.folder()), whole);
    std::string const key = fs::relative(file.parent_path(), site.deks());
    std::string const provider = key.starts_with("payments") ? "azure/" : "kp/";
    std::string const rotation(site.key(provider + key).at("rotation").at("id").as_string());
    CHECK(site.rekeyctl({"retry", rotation}).exit == 0);
  }
  site.await("both rotations are done",
             [&] { return site.number("SELECT count(*) FROM audit_rotations WHERE state = 'done'") == 2; });
  CHECK(site.stop() == 0);
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK(organisation.new_versions().size() == 2);
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

}  // namespace rekeyd::test
