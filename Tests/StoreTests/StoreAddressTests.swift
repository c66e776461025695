import Foundation
import TallyCore
import TestSupport
import Tallystick
import Testing

@testable import TallyPostgres
@testable import TallyRedis

/// A row: the address, and what it must give: `user|password|place`, or a word of its refusal.
private enum Expected { case gives(String), refused(String) }

private let redis: [(String, Expected)] = [
    ("redis://h", .gives("||h:6379/0")), ("redis://h:7000/3", .gives("||h:7000/3")),
    ("REDIS://u:s3cret@h", .gives("u|s3cret|h:6379/0")), ("Unix:///run/r.sock", .gives("||/run/r.sock db 0")),
    ("REDISS://:s3cret@h", .refused("TLS")),
    ("redis://h/", .gives("||h:6379/0")), ("redis://u@h", .gives("u||h:6379/0")),
    ("redis://u:@h", .gives("u||h:6379/0")), ("redis://:s3cret@h:1/2", .gives("|s3cret|h:1/2")),
    ("redis://u:s3%40cr%3Aet@h", .gives("u|s3@cr:et|h:6379/0")),
    ("redis://:s3c@ret@h", .gives("|s3c@ret|h:6379/0")),
    ("redis://:s3#cret@h", .gives("|s3#cret|h:6379/0")), ("redis://:s3:cret@h", .gives("|s3:cret|h:6379/0")),
    ("redis://:%2F%3F%25@h", .gives("|/?%|h:6379/0")), ("redis://[::1]:7000/1", .gives("||::1:7000/1")),
    ("redis://u:s3cret@[::1]", .gives("u|s3cret|::1:6379/0")),
    ("unix:///run/r.sock", .gives("||/run/r.sock db 0")),
    ("unix:///run/r.sock?db=4", .gives("||/run/r.sock db 4")),
    ("unix://u:s3cret@/run/r.sock?db=1", .gives("u|s3cret|/run/r.sock db 1")),
    ("unix://:s3cret@/run/r.sock", .gives("|s3cret|/run/r.sock db 0")), ("unix://u@/r", .gives("u||/r db 0")),
    ("unix:///run/a@b", .gives("||/run/a@b db 0")),
    ("", .refused("empty")), ("localhost", .refused("must begin with redis:// or unix://")),
    ("http://s3cret", .refused("must begin with redis:// or unix://")),
    ("host=s3cret", .refused("must begin with redis:// or unix://")),
    ("redis:/h", .refused("must begin")), ("redis://", .refused("names no host")),
    ("redis://:s3cret@", .refused("names no host")), ("redis://:s3cret@h:0", .refused("port")),
    ("redis://:s3cret@h:x", .refused("port")), ("redis://h:s3cret", .refused("port")),
    ("redis://:s3/cret@h", .refused("bare /")), ("redis://u:12/s3cret@h:1/0", .refused("bare /")),
    ("redis://:s3?cret@h", .refused("bare ?")), ("redis://:s3cret@h/1/2", .refused("database")),
    ("redis://:s3cret@h/-1", .refused("database")),
    ("redis://:s3cret@h:1?db=2", .refused("behind the last /")),
    ("redis://:s3cret%4@h", .refused("%-escape")), ("redis://:s3cret%00@h", .refused("%-escape")),
    ("redis://:s3cret%ff@h", .refused("UTF-8")), ("redis://:s3 cret@h", .refused("white space")),
    ("redis://:s3cret@h\n", .refused("control")), ("redis://::1", .refused("[ and ]")),
    ("rediss://:s3cret@h", .refused("TLS")), ("unix://", .refused("path")),
    ("unix://s3cret", .refused("a host")),
    ("unix://:s3/cret@/r", .refused("bare /")), ("unix:///r?db=x", .refused("db=NUMBER")),
    ("unix:///r?x=1", .refused("db=NUMBER")), ("postgres://:s3cret@h", .refused("must begin with redis://")),
]

private let postgres: [(String, Expected)] = [
    ("postgres://h", .gives("host=h")), ("postgresql://h/d", .gives("host=h dbname=d")),
    ("POSTGRES://u:s3cret@h", .gives("user=u password=s3cret host=h")),
    ("PostgreSQL://h/d", .gives("host=h dbname=d")),
    ("postgres://u:s3cret@h:5433/d", .gives("user=u password=s3cret host=h port=5433 dbname=d")),
    ("postgres://u:s3@cret@h", .gives("user=u password=s3@cret host=h")),
    ("postgres://u:s3%2Fcr%40et@h/d", .gives("user=u password=s3/cr@et host=h dbname=d")),
    ("postgres://a:1,b:2/d", .gives("host=a,b port=1,2 dbname=d")),
    ("postgres:///d?host=/run/pg", .gives("dbname=d host=/run/pg")),
    ("postgres://%2Frun%2Fpg/d", .gives("host=/run/pg dbname=d")),
    ("postgres://h?application_name=a@b", .gives("host=h application_name=a@b")),
    ("postgres://h?ssl=true", .gives("host=h sslmode=require")),
    ("postgres://[::1]:5433", .gives("host=::1 port=5433")),
    ("postgres://u:s3cret@h?password=s3cond", .gives("user=u password=s3cond host=h")),
    ("host=h user=u password='s3 cr\\'et' port=5433", .gives("host=h user=u password=s3 cr'et port=5433")),
    ("  dbname = d  ", .gives("dbname=d")),
    ("", .refused("empty")), ("u:s3cret@h/d", .refused("must begin with")),
    ("postgres://u:s3/cret@h", .refused("bare /")), ("postgres://u:s3?cret@h/d", .refused("bare ?")),
    ("postgres://u:1?s3cret=x@h/d", .refused("bare ?")), ("postgres://u:s3cret@h:port", .refused("port")),
    ("postgres://u:s3cret@h/d?nonsense=1", .refused("option nonsense")),
    ("postgres://u:s3cret@h/d?sslmode", .refused("not name=value")), ("postgres://[::1", .refused("[ and ]")),
    ("host=h password='s3cret", .refused("nothing closes")), ("host=h s3cret", .refused("not name=value")),
    ("host=h pasword=s3cret", .refused("option pasword")), ("host=h port=s3cret", .refused("port")),
    ("redis://:s3cret@h", .refused("must begin with postgres://")),
    ("postgres://u:s3cret@h postgres://i", .refused("commas between them")),
    ("postgres://u:s3 cret@h", .refused("%20")),
    ("mysql://:s3cret@h", .refused("must begin with postgres://")),
    ("rediss://:s3cret@h", .refused("must begin with postgres://")),
]

/// One parser, one redactor, one table.
@Suite struct `An address` {
    @Test(arguments: redis.indices) func `of Redis gives what its row says [I4, I5]`(_ index: Int) throws {
        let (url, expected) = redis[index]
        do {
            let found = try RedisConfiguration(url: url)
            guard case .gives(let text) = expected else { throw TookTooLong("\(index) was taken") }
            let place = found.place.replacing(" on \(Host.name)", with: "")
            #expect("\(found.user)|\(found.password)|\(place)" == text)
            for printed in [
                "\(found)", String(reflecting: found),
                String(describing: Swift.Mirror(reflecting: found).children.map(\.value)),
            ] {
                #expect(found.password.isEmpty || !printed.contains(found.password))
            }
        } catch let error as InvalidSetting {
            guard case .refused(let word) = expected else { throw error }
            #expect(error.setting == "TALLY_REDIS_URL" && error.description.contains(word), "\(error)")
            for part in ["s3", "cret"] where !url.isEmpty {
                #expect(!error.description.contains(part), "\(error)")
            }
        }
    }

    @Test(arguments: postgres.indices) func `of Postgres gives what its row says [I4, I5]`(_ index: Int)
        throws
    {
        let (url, expected) = postgres[index]
        do {
            let found = try PostgresConfiguration(url: url)
            guard case .gives(let text) = expected else { throw TookTooLong("\(index) was taken") }
            #expect(found.address.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ") == text)
            #expect(!"\(found)".contains("s3") && !String(reflecting: found).contains("s3"))
        } catch let error as LedgerError {
            guard case .refused(let word) = expected else { throw error }
            #expect(error.detail.hasPrefix("TALLY_POSTGRES_URL: ") && error.detail.contains(word), "\(error)")
            for part in ["s3", "cret"] { #expect(!error.detail.contains(part), "\(error)") }
        }
    }

    @Test func `table has sixty rows and more`() { #expect(redis.count + postgres.count >= 60) }

    @Test(arguments: [
        ("a", "a plain word: database", "a plain word: database"),
        ("s3cret", "no s3cret here", "no *** here"),
        ("word", "the password word", "the password ***"), ("s3cret", "'s3cret'", "'***'"),
        ("", "redis://u:pw@h:1/0 and x", "redis://***@h:1/0 and x"),
        ("", "postgres://u:p@ss@h", "postgres://***@h"),
        ("", "host=h password=x user=u", "host=h password=*** user=u"), ("", "a  b\nc", "a  b\nc"),
    ])
    func `loses its password in a message, and the message nothing else`(
        _ secret: String, _ text: String, _ shown: String
    ) {
        #expect(Redactor([secret])(text) == shown)
    }

    @Test(arguments: [
        ("not h://u:pw@h/x?token=abc so\nbut y", "not h://***@h/x?*** so\nbut y"),
        ("why? redis://h:1/0 and x", "why? redis://h:1/0 and x"),
    ])
    func `loses its query too in a message about what was typed`(_ text: String, _ shown: String) {
        #expect(Redactor.withoutQueries(text) == shown)
    }

    @Test func `of a Redis user with an empty password logs that user in [I5]`() async throws {
        try await PrivateRedis.with { redis in
            try RawRedis(url: redis.url)("ACL", "SETUSER", "plain", "on", "nopass", "~*", "&*", "+@all")
            let configuration = try RedisConfiguration(
                url: redis.url.replacing("127.0.0.1", with: "plain:@127.0.0.1"), namespace: "n")
            let queue = try await RedisQueue.open(configuration)
            let clients = try RawRedis(url: redis.url)("CLIENT", "LIST").text ?? ""
            await queue.close()

            #expect(clients.contains("user=plain "), "\(clients)")
        }
    }

    @Test func `keeps the application name that it gives, and ours is for those that give none`() async throws
    {
        func name(_ url: String) async throws -> LedgerValue? {
            let session = try await PostgresSession.open(PostgresConfiguration(url: url))
            let rows = try await session.query("SELECT current_setting('application_name')")
            await session.close()
            return rows.first?.first
        }
        let url = try Servers.postgresURL

        #expect(try await name(url) == .text("tallystick"))
        #expect(try await name(url + "?application_name=mine") == .text("mine"))
    }
}
