import Foundation
import Glibc
import TallyCore
import TallyPostgres
import TallyServers
import TestSupport
import Tallystick
import Testing

/// A Postgres with a certificate for `localhost`, by an authority that was made for it, and another authority.
private struct TLSServer {
    let folder: String
    let port: Int
    static let password = "s3cretTLS"

    static func with(_ body: (TLSServer) async throws -> Void) async throws {
        let folder = "/var/tmp/tally-tls-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer {
            if let pid = PrivateServers.pid("\(folder)/data/postmaster.pid", of: "postgres") {
                PrivateServers.end(pid, SIGQUIT)
            }
            try? FileManager.default.removeItem(atPath: folder)  // best effort: a temporary folder
        }
        try FolderLock.make(folder)
        try makeCertificates(in: folder)
        let port = try PostgresProcess.start(
            folder: folder, password: password, ServerTools.find(), preferred: 0,
            options: [
                "ssl=on", "ssl_cert_file=\(folder)/server.crt", "ssl_key_file=\(folder)/server.key",
                "shared_buffers=32MB", "fsync=off",
            ])
        try await body(TLSServer(folder: folder, port: port))
    }

    private static func makeCertificates(in folder: String) throws {
        guard let openssl = ServerTools.find("openssl") else {
            throw Servers.Missing(
                description: "openssl is not installed; ops/test installs it, or ops/up --packages openssl")
        }
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        for name in ["ca", "other"] {
            try ServerTools.run(
                [openssl, "req", "-x509", "-days", "2", "-subj", "/CN=tally \(name)"] + key
                    + ["-keyout", "\(name).key", "-out", "\(name).crt"], folder: folder)
        }
        try ServerTools.run(
            [openssl, "req", "-subj", "/CN=localhost"] + key
                + ["-keyout", "server.key", "-out", "server.csr"], folder: folder)
        try "subjectAltName = DNS:localhost\n".write(
            toFile: "\(folder)/names", atomically: true, encoding: .utf8)
        try ServerTools.run(
            [
                openssl, "x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "server.crt",
            ], folder: folder)
        // Postgres refuses a key that others may read, and must read it itself.
        chmod("\(folder)/server.key", 0o600)
        if geteuid() == 0, let user = getpwnam("postgres") {
            for name in ["server.key", "server.crt"] {
                chown("\(folder)/\(name)", user.pointee.pw_uid, user.pointee.pw_gid)
            }
        }
    }

    /// By the name that the certificate has, or by another that leads to the same server.
    func url(_ options: String, host: String = "localhost") -> String {
        "postgres://tally:\(Self.password)@\(host):\(port)/postgres?hostaddr=127.0.0.1&\(options)"
    }
}

@Suite(.serialized) struct `TLS to Postgres` {
    @Test func `is what the settings of its address say: required, by authority, by authority and name`()
        async throws
    {
        try await TLSServer.with { server in
            let ca = "sslrootcert=\(server.folder)/ca.crt"
            let other = "sslrootcert=\(server.folder)/other.crt"
            let taken = [
                ("sslmode=disable", "localhost", false), ("sslmode=require", "localhost", true),
                ("sslmode=require", "elsewhere.test", true), ("ssl=true", "localhost", true),
                ("sslmode=verify-ca&\(ca)", "elsewhere.test", true),
                ("sslmode=verify-full&\(ca)", "localhost", true),
                ("sslmode=verify-full&channel_binding=require&\(ca)", "localhost", true),
            ]
            for (options, host, isEncrypted) in taken {
                let found = try await encryption(server.url(options, host: host))
                #expect(found == (isEncrypted ? 1 : 0), "\(options) \(host)")
            }
            let refused = [
                ("sslmode=verify-full&\(ca)", "elsewhere.test", "elsewhere.test"),
                ("sslmode=verify-full&\(other)", "localhost", "certificate verify failed"),
                ("sslmode=verify-ca&\(other)", "localhost", "certificate verify failed"),
                ("sslmode=verify-full&sslrootcert=\(server.folder)/none", "localhost", "root certificate"),
                ("sslmode=disable&channel_binding=require", "localhost", "channel binding"),
            ]
            for (options, host, why) in refused {
                let error = await caught(LedgerError.self) {
                    try await encryption(server.url(options, host: host))
                }
                let words = "\(error as Any)"
                #expect(words.contains(why) && !words.contains(TLSServer.password), "\(options): \(words)")
            }
        }
    }

    @Test func `with a certificate of another authority ends a command, which shows no password`()
        async throws
    {
        try await TLSServer.with { server in
            let other = "sslmode=verify-full&sslrootcert=\(server.folder)/other.crt"
            let outcome = try await Tool.run(
                ["list"],
                environment: [
                    "TALLY_REDIS_URL": Servers.redisURL, "TALLY_POSTGRES_URL": server.url(other),
                ])

            #expect(outcome.code == 1 && outcome.errors.contains("certificate"), "\(outcome.errors)")
            #expect(!(outcome.output + outcome.errors).contains(TLSServer.password))
        }
    }

    @Test func `is what doctor looks at where the server is another machine`() async throws {
        try await TLSServer.with { server in
            let ca = "sslrootcert=\(server.folder)/ca.crt"
            let cases = [
                ("sslmode=disable", "localhost", "good"), ("sslmode=disable", "elsewhere.test", "mend"),
                ("sslmode=verify-ca&\(ca)", "elsewhere.test", "note"),
                ("sslmode=verify-full&\(ca)", "localhost", "good"),
            ]
            for (options, host, severity) in cases {
                let outcome = try await Tool.run(
                    ["doctor", "--json"],
                    environment: [
                        "TALLY_REDIS_URL": Servers.redisURL,
                        "TALLY_POSTGRES_URL": server.url(options, host: host),
                    ])
                let findings = try #require(try outcome.json()["findings"] as? [[String: Any]])
                let found = findings.first { $0["code"] as? String == "encryption" }
                #expect(found?["severity"] as? String == severity, "\(options) \(host): \(outcome.output)")
            }
        }
    }

    /// 1 where the server calls the connection encrypted.
    private func encryption(_ url: String) async throws -> Int64 {
        let session = try await PostgresSession.open(PostgresConfiguration(url: url))
        do {
            let rows = try await session.query(
                "SELECT s.ssl::integer::bigint FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()")
            await session.close()
            guard case .int(let found)? = rows.first?.first else { return -1 }
            return found
        } catch {
            await session.close()
            throw error
        }
    }
}
