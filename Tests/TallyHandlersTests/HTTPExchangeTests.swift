import Foundation
import TallyCore
import TallyRuntime
import TestSupport
import Testing

@testable import TallyHandlers

/// Real servers that mean no good, or lie where nobody shall be led.
@Suite(.timeLimit(.minutes(1))) struct `An exchange with a server` {
    private func outcome(_ receiver: Receiver, timeout: Duration = Limits.httpAnswer) async throws
        -> RunOutcome
    {
        let hook = try HTTPHandler(receiver.url, isPrivateAllowed: true, timeout: timeout)
        return await hook.handler(for: "t").outcome(of: job())
    }

    private static let refused = "it leads to this machine or its own network, which must be allowed"

    @Test(arguments: [
        ("[::1]", true), ("[0:0:0:0:0:0:0:1]", true), ("[::ffff:127.0.0.1]", false),
        ("[::ffff:7f00:1]", false),
    ])
    func `of an address of IPv6 goes to this machine where that is allowed, and only there`(
        _ host: String, _ isIPv6: Bool
    ) async throws {
        let receiver = try Receiver(isIPv6: isIPv6) { _ in
            Array("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere".utf8)
        }
        defer { receiver.stop() }
        let url = "http://\(host):\(receiver.port)/hook"

        let allowed = try HTTPHandler(url, isPrivateAllowed: true).handler(for: "t")
        #expect(await allowed.outcome(of: job()).text == "here")
        let error = await (try HTTPHandler(url).handler(for: "t")).outcome(of: job()).error
        #expect(error?.hasSuffix(Self.refused) == true, "\(error ?? "")")
        #expect(receiver.requests.count == 1)
    }

    @Test(arguments: ["[fd00::1]", "[fe80::1]", "[::]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[ff02::1]"])
    func `of an address of IPv6 that is nobody's in the internet is refused`(_ host: String) async throws {
        let hook = try HTTPHandler("http://\(host)/hook").handler(for: "t")

        let outcome = await hook.outcome(of: job())

        guard case .fail(attempts: 1, let error) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(error.hasSuffix(Self.refused), "\(error)")
    }

    /// As a server of names would answer, which may change its mind from one question to the next.
    @Test(arguments: ["127.0.0.1", "10.0.0.1,[::1],127.0.0.1", "[::ffff:127.0.0.1]", "169.254.169.254"])
    func `is refused whose name leads to this machine or its network, however many addresses it has`(
        _ addresses: String
    ) async throws {
        let receiver = try Receiver("200 OK", body: "here")
        defer { receiver.stop() }
        let host = "hook.example.com:\(receiver.port)"
        var request = HTTPExchange.Request(
            target: try HTTPTarget("http://\(host)/hook"), names: ["\(host):\(addresses)"])

        let error = await caught(JobError.self) { try await HTTPExchange(request).answer() }

        guard case .final(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.hasSuffix(Self.refused) && receiver.requests.all.isEmpty)
        guard addresses.hasSuffix("127.0.0.1") else { return }
        request.isPrivateAllowed = true
        // Of several the first ones may not be there, and hang.
        request.names = ["\(host):127.0.0.1"]
        #expect(try await HTTPExchange(request).answer().status == 200)
        #expect(receiver.requests.all.first?.headers["host"] == host)
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n", "X-Fill: \(String(repeating: "a", count: 1000))\r\n"),
        ("HTTP/1.1 200 OK\r\n", "Retry-After: 1\r\n"), ("", "HTTP/1.1 100 Continue\r\n\r\n"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X-Fill: aaaaaaaaaaaaaaaaaaaaaaa\r\n"),
    ])
    func `ends where the head of its answer does not`(_ head: String, _ endless: String) async throws {
        let receiver = try Receiver(endless: endless) { _ in Array(head.utf8) }
        defer { receiver.stop() }

        let outcome = try await outcome(receiver)

        guard case .retry(_, attempts: 1, let error) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(error == "POST \(receiver.url): the head of the answer has more than 262144 bytes")
    }

    private static let block = String(repeating: "0123456789abcdef", count: 256)

    @Test(arguments: [
        ("Content-Length: 10737418240\r\n\r\n", block), ("\r\n", block),
        ("Transfer-Encoding: chunked\r\n\r\n", "1000\r\n\(block)\r\n"),
    ])
    func `ends where the body of its answer does not, and a refusal stays what its status says`(
        _ fields: String, _ endless: String
    ) async throws {
        let good = try Receiver(endless: endless) { _ in Array("HTTP/1.1 200 OK\r\n\(fields)".utf8) }
        defer { good.stop() }
        guard case .fail(attempts: 1, let error) = try await outcome(good) else {
            Issue.record("it did not fail for good")
            return
        }
        #expect(error.contains("more than \(Limits.resultBytes) bytes"))

        let busy = try Receiver(endless: endless) { _ in
            Array("HTTP/1.1 503 Busy\r\nRetry-After: 30\r\n\(fields)".utf8)
        }
        defer { busy.stop() }
        guard case .retry(after: .seconds(30), attempts: 1, let reason) = try await outcome(busy) else {
            Issue.record("a long refusal was final")
            return
        }
        #expect(reason.hasPrefix("POST \(busy.url) was answered 503: 0123"))

        let gone = try Receiver(endless: endless) { _ in Array("HTTP/1.1 410 Gone\r\n\(fields)".utf8) }
        defer { gone.stop() }
        #expect(try await outcome(gone).error?.contains("answered 410") == true)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/2 200\r\nContent-Length: 5\r\n\r\nhello",
    ])
    func `fails where its answer can be read in two ways, or is of a version in name alone`(
        _ text: String
    ) async throws {
        let receiver = try Receiver { _ in Array(text.utf8) }
        defer { receiver.stop() }

        let outcome = try await outcome(receiver)

        guard case .retry(_, attempts: 1, _) = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    @Test func `of two lengths stays the refusal that its status says`() async throws {
        let receiver = try Receiver { _ in
            Array("HTTP/1.1 410 Gone\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nhello".utf8)
        }
        defer { receiver.stop() }

        guard case .fail(attempts: 1, let error) = try await outcome(receiver) else {
            Issue.record("a refusal was tried again")
            return
        }
        #expect(error.hasPrefix("POST \(receiver.url) was answered 410"), "\(error)")
    }

    @Test(arguments: [
        "Content-Length: 100\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", "Content-Length: 1", "",
    ])
    func `fails where its answer breaks off, or stays away half way`(_ rest: String) async throws {
        for isHeld in [false, true] {
            let receiver = try Receiver(isHeld: isHeld) { _ in Array("HTTP/1.1 200 OK\r\n\(rest)".utf8) }
            defer { receiver.stop() }

            let time = isHeld ? Duration.milliseconds(300) : Limits.httpAnswer
            let outcome = try await outcome(receiver, timeout: time)

            guard case .retry(_, attempts: 1, let error) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(!isHeld || error.hasSuffix("Timeout was reached"), "\(error)")
        }
    }

    @Test func `takes an answer behind provisional ones`() async throws {
        let text =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
            + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"
        let receiver = try Receiver { _ in Array(text.utf8) }
        defer { receiver.stop() }

        #expect(try await outcome(receiver).text == "done")
    }

    @Test func `keeps a body as it was sent, packed or not`() async throws {
        // One that is not unpacked is no bomb, whatever it would unpack to.
        let packed: [UInt8] = [
            0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x63, 0x60, 0, 0, 0x8D, 0xEF, 2, 0xD2, 1, 0, 0, 0,
        ]
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(packed.count)\r\n\r\n"
        let receiver = try Receiver { _ in Array(head.utf8) + packed }
        defer { receiver.stop() }

        #expect(try await outcome(receiver) == .complete(result: packed))
        #expect(receiver.requests.all.first?.headers["accept-encoding"] == nil)
    }

    @Test(arguments: [
        "file:///etc/passwd", "http://169.254.169.254/", "gopher://127.0.0.1:6379/_INFO", "//x",
    ])
    func `goes nowhere else, whatever the answer says`(_ location: String) async throws {
        let receiver = try Receiver("302 Found", headers: ["Location: \(location)"])
        defer { receiver.stop() }

        let error = "POST \(receiver.url) was answered 302; redirects are not followed"
        #expect(try await outcome(receiver) == .fail(attempts: 1, error: error))
        #expect(receiver.requests.count == 1)
    }

    @Test(arguments: ["HTTP/1.1 abc Odd\r\n\r\n", "HTTP/x\r\n\r\n", "\0\0\0\0", "<html></html>", "\r\n\r\n"])
    func `fails where what comes is no HTTP`(_ text: String) async throws {
        let receiver = try Receiver { _ in Array(text.utf8) }
        defer { receiver.stop() }

        guard case .retry(_, attempts: 1, _) = try await outcome(receiver) else {
            Issue.record("it was taken for an answer")
            return
        }
    }
}
