// What a bug report must not tell, in the many forms that it may stand in.
#include "loadtest/lab/bug_report/redaction.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "db/conninfo.hpp"
#include "loadtest/lab/bug_report/identity.hpp"
#include "loadtest/lab/bug_report/log_end.hpp"

namespace lab::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string redacted(const std::string &text) {
  return Redaction()(text);
}

// ---- what only looks like a secret ----

TEST(Redaction, TakesOutWhatLooksLikeAPassword) {
  for (const std::string text : {
           "postgresql://me:hush@localhost/app",
           "postgres://me:hush@db.example.org:5433/app?sslmode=require",
           "postgresql://me:p%40ss-hush@h/app",
           "postgresql://me:with@sign-hush@h/app",
           "postgresql://me:with/slash-hush@h/app",
           "postgresql://me:with\"quote-hush@h/app",
           "http://somebody:hush@proxy:3128/",
           "postgresql://me@h/app?password=hush&sslmode=require",
           "host=h user=me password=hush dbname=app",
           "host=h password = hush dbname=app",
           "password='hush' host=h",
           "password='two hush words' host=h",
           R"(password='it\'s hush' host=h)",
           "password='it''s hush' host=h",
           "password='cut off, hush",
           "sslpassword=hush",
           R"(password=with\ hush)",
           "PGPASSWORD=hush pg_dump",
           "export PGPASSWORD=\"hush\"",
           R"("password": "hush",)",
           R"("password": "with \"quotes\" and hush",)",
           R"({"database":"host='h' password='hush' user='me'"})",
           R"({"said":"{\"password\":\"hush\"}"})",
           "password: hush",
           "Password: two words, hush",
           "db_password = \"hush\"",
           "passwd=hush",
           "pwd=hush",
           "ALTER ROLE me PASSWORD 'hush'",
           "CREATE ROLE me LOGIN ENCRYPTED PASSWORD E'it\\'s hush';",
           "psql --password hush",
           "curl --api-token hush http://localhost",
           "api_key=hush",
           "LAB_TOKEN=hush",
           "client-secret: hush",
           "Authorization: Basic aHVzaA-hush==",
           "authorization: Bearer abc.hush.def",
           "curl -H 'Authorization: Bearer hush'",
           "Cookie: session=hush; other=hush",
           "sent with bearer abcdefgh-hush",
           "localhost:5432:app:me:hush",
           "*:*:*:lab_jobs:hush",
           "SCRAM-SHA-256$4096:salt$hush:hush",
           "ghp_abcdefghijhush0123456789",
           "glpat-abcdefghijhush01",
           "eyJhbGciOiJIUzI1NiJ9.hushhush.hush",
           "-----BEGIN PRIVATE KEY-----\nhush\nhush\n-----END PRIVATE KEY-----",
       })
    EXPECT_THAT(redacted(text), Not(HasSubstr("hush"))) << text;
}

TEST(Redaction, LeavesWhatIsOfUse) {
  for (const std::string text : {
           "2026-11-26T18:22:21.123 info the host serves on http://127.0.0.1:3000",
           "host wants a password, and none was found",
           "postgresql://lab_jobs@/lab?host=$LAB_HOME/pg/socket",
           "host='/x/pg/socket' port=5432 dbname=lab user=lab_jobs",
           "no connection became free within 200 ms: pool_timeout",
           "max = 30",
           "FATAL:  password authentication failed for role",
           "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\nthe next line",
       })
    EXPECT_THAT(redacted(text), HasSubstr(text.substr(text.rfind('\n') + 1))) << redacted(text);
}

TEST(Redaction, ALineThatIsVeryLongIsCutAndEndsTheWork) {
  const std::string text = "password='" + std::string(500'000, 'x') + "'\nthe next line";
  EXPECT_LT(redacted(text).size(), 3000U);
  EXPECT_THAT(redacted(text), HasSubstr("\nthe next line"));
}

// ---- what is known ----

TEST(Redaction, TakesOutAKnownPasswordInEveryFormThatItIsWrittenIn) {
  const std::string password = R"(s3cret'\ of: "me" 50%)";
  Redaction hides;
  hides.secret(password);
  const std::string quoted = db::quoted_value(password);
  for (const std::string &text :
       {password, "said " + password + " loudly", quoted, nlohmann::json(password).dump(),
        nlohmann::json("x=" + quoted).dump(), std::string(R"(s3cret'\\ of\: "me" 50%)"),
        std::string(R"(s3cret''\ of: "me" 50%)"), std::string(R"(s3cret''\\ of: "me" 50%)"),
        std::string("s3cret%27%5C%20of%3A%20%22me%22%2050%25"),
        std::string("s3cret%27%5c%20of%3a%20%22me%22%2050%25")}) {
    EXPECT_THAT(hides(text), Not(HasSubstr("s3cret"))) << text;
    EXPECT_THAT(hides(text), Not(HasSubstr("50"))) << text;
  }
}

TEST(Redaction, AShortPasswordGoesAsAWholeWordOnly) {
  Redaction hides;
  hides.secret("lab");
  EXPECT_EQ(hides("lab said labour, lab"), "(secret) said labour, (secret)");
}

TEST(Redaction, TheLongerOfTwoPasswordsGoesFirst) {
  Redaction hides;
  hides.secret("abcdef");
  hides.secret("abcdefghij");
  EXPECT_EQ(hides("x=abcdefghij."), "x=(secret).");
}

// ---- whose machine ----

TEST(Redaction, TakesOutFoldersUsersAndHosts) {
  Redaction hides;
  hides.folder("/home/alice", "~");
  hides.folder("/home/alice/our product/lab", "$LAB_WORK");
  hides.user("alice");
  hides.host("alices-laptop.example.org");
  EXPECT_EQ(hides("/home/alice/our product/lab/my"), "$LAB_WORK/my");
  EXPECT_EQ(hides("host=/home/alice/our%20product/lab/pg"), "host=$LAB_WORK/pg");
  EXPECT_EQ(hides("in /home/alice."), "in ~.");
  EXPECT_EQ(hides("/home/alice2/x"), "/home/USER/x") << "somebody else's";
  EXPECT_EQ(hides("-I/home/alice/include"), "-I~/include");
  EXPECT_EQ(hides("alice said malice, alice@x"), "USER said malice, USER@x");
  EXPECT_EQ(hides("on alices-laptop.example.org"), "on HOST");
  EXPECT_EQ(hides("/home/bob/x and /Users/carol/y"), "/home/USER/x and /Users/USER/y");
}

TEST(Redaction, TakesOutWhereAForeignDatabaseIs) {
  EXPECT_EQ(redacted("postgresql://me@db.internal:5433/app"), "postgresql://USER@HOST:5433/app");
  EXPECT_EQ(redacted("host='db.internal' user='me'"), "host=HOST user=USER");
  EXPECT_EQ(redacted("postgresql://me:x@db.internal/app"), "postgresql://USER:(secret)@HOST/app");
}

TEST(Redaction, NamesThatEveryMachineHasStay) {
  Redaction hides;
  for (const char *name : {"root", "postgres", "pool-lab", ""})
    hides.user(name);
  hides.host("localhost");
  hides.folder("/", "~");
  EXPECT_EQ(hides("root and postgres on localhost: /x"), "root and postgres on localhost: /x");
}

TEST(Identity, FindsThePasswordsOfAPasswordFile) {
  EXPECT_THAT(passwords_in("# a comment:a:b:c:d\n"
                           "*:*:*:lab_jobs:plain\n"
                           "h:1:d:u:with\\:colon and \\\\ and ' it\n"
                           "[\\:\\:1]:1:d:u:v6\n"
                           "half:a:line\n"),
              ElementsAre("plain", "with:colon and \\ and ' it", "v6"));
}

TEST(Identity, KnowsVariablesThatMayHoldASecret) {
  for (const char *name : {"PGPASSWORD", "LAB_TOKEN", "aws_secret_access_key", "DATABASE_URL",
                           "LAB_API_KEY", "NPM_AUTH"})
    EXPECT_TRUE(may_be_secret(name)) << name;
  for (const char *name : {"LANG", "LAB_HOME", "PGPASSFILE", "SSH_AUTH_SOCK"})
    EXPECT_FALSE(may_be_secret(name)) << name;
}

// ---- logs ----

TEST(LogEnd, LeavesOutWhatWasInTheData) {
  EXPECT_EQ(without_data("2026 UTC [1] ERROR:  invalid input\n"
                         "2026 UTC [1] DETAIL:  Failing row contains (1, {\"to\": \"bob\"}).\n"
                         "2026 UTC [1] STATEMENT:  INSERT INTO jobs\n"
                         "\tVALUES ('bob')\n"
                         "2026 UTC [1] LOG:  next\n"),
            "2026 UTC [1] ERROR:  invalid input\n"
            "2026 UTC [1] DETAIL: (left out)\n"
            "2026 UTC [1] STATEMENT: (left out)\n"
            "2026 UTC [1] LOG:  next\n");
  EXPECT_THAT(without_data("x failed: ERROR: bad DETAIL: bob is there\n"), Not(HasSubstr("bob")));
}

} // namespace
} // namespace lab::cli
