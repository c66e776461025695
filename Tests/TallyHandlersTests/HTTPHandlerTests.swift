import Foundation
import TallyCore
import TallyHandlers
import TallyRuntime
import TestSupport
import Testing

/// A real receiver on this machine.
@Suite struct `A server` {
    private func handler(
        _ receiver: Receiver, timeout: Duration = Limits.httpAnswer
    ) throws -> JobHandler {
        try HTTPHandler(receiver.url, isPrivateAllowed: true, timeout: timeout).handler(for: "t")
    }

    @Test func `gets the body and what there is to know of the job, and gives the result [F14]`() async throws
    {
        let result = (0..<70_000).map { UInt8(truncatingIfNeeded: $0) }
        let head = "HTTP/1.1 201 Created\r\nContent-Length: \(result.count)\r\n\r\n"
        let receiver = try Receiver { _ in Array(head.utf8) + result }
        defer { receiver.stop() }
        let body = (0..<Limits.bodyBytes).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let context = job(body, attempt: 2, trace: trace)

        #expect(await (try handler(receiver)).outcome(of: context) == .complete(result: result))

        let request = try #require(receiver.requests.all.first)
        #expect(request.line == "POST /hook HTTP/1.1" && request.body == body)
        let expected = [
            "tally-job-id": "\(context.id)", "idempotency-key": "\(context.id)", "tally-type": "t",
            "tally-queue": "q", "tally-attempt": "2", "tally-epoch": "\(context.fence.epoch)",
            "tally-fence": "\(context.fence.version)", "tally-worker": "w", "traceparent": trace,
            "content-type": "application/json",
        ]
        #expect(request.headers.filter { expected[$0.key] != nil } == expected)
        #expect(request.headers["expect"] == nil && request.headers["authorization"] == nil)
    }

    @Test func `is told of an empty body, and of one that is no JSON`() async throws {
        let receiver = try Receiver("204 No Content")
        defer { receiver.stop() }
        let record = JobRecord(type: "t", body: [], codec: "bytes")

        let outcome = await (try handler(receiver)).outcome(of: JobContext(testing: record))

        #expect(outcome == .complete(result: []))
        let request = try #require(receiver.requests.all.first)
        #expect(request.headers["content-length"] == "0")
        #expect(request.headers["content-type"] == "application/octet-stream")
        #expect(request.headers["traceparent"] == nil)
    }

    @Test(arguments: [
        ("408 Request Timeout", false), ("425 Too Early", false), ("429 Too Many Requests", false),
        ("500 Internal Server Error", false), ("502 Bad Gateway", false), ("503 Service Unavailable", false),
        ("599 Odd", false), ("400 Bad Request", true), ("401 Unauthorized", true), ("404 Not Found", true),
        ("410 Gone", true), ("422 Unprocessable Content", true),
    ])
    func `says by its status whether another attempt makes sense [F8]`(_ status: String, _ isFinal: Bool)
        async throws
    {
        let receiver = try Receiver(status, body: "because\nof more")
        defer { receiver.stop() }

        let outcome = await (try handler(receiver)).outcome(of: job())

        let error = "POST \(receiver.url) was answered \(status.prefix(3)): because"
        let retry = RunOutcome.retry(after: .seconds(5), attempts: 1, error: error)
        #expect(outcome == (isFinal ? .fail(attempts: 1, error: error) : retry))
    }

    @Test(arguments: [("30", 30), ("1", 5), ("0", 5), ("999999", 3600), ("soon", 5), ("-9", 5)])
    func `that names a time is not asked again before it, within an hour`(_ value: String, _ seconds: Int)
        async throws
    {
        let receiver = try Receiver("503 Service Unavailable", headers: ["Retry-After: \(value)"])
        defer { receiver.stop() }

        guard case .retry(let after, _, _) = await (try handler(receiver)).outcome(of: job()) else {
            Issue.record("it was not retried")
            return
        }
        #expect(after == .seconds(seconds))
    }

    @Test(arguments: [100.0, -100.0])
    func `may name that time as a date`(_ away: Double) async throws {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "GMT")
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        let date = format.string(from: Date(timeIntervalSinceNow: away))
        let receiver = try Receiver("429 Too Many Requests", headers: ["Retry-After: \(date)"])
        defer { receiver.stop() }

        guard case .retry(let after, _, _) = await (try handler(receiver)).outcome(of: job()) else {
            Issue.record("it was not retried")
            return
        }
        // The date has no fraction, and a busy machine is slow to ask.
        #expect(away < 0 ? after == .seconds(5) : after > .seconds(60) && after <= .seconds(101))
    }

    @Test func `that sends elsewhere is not followed there`() async throws {
        let other = try Receiver("200 OK")
        let receiver = try Receiver("307 Temporary Redirect", headers: ["Location: \(other.url)"])
        defer {
            other.stop()
            receiver.stop()
        }

        let outcome = await (try handler(receiver)).outcome(of: job())

        let error = "POST \(receiver.url) was answered 307; redirects are not followed"
        #expect(outcome == .fail(attempts: 1, error: error))
        #expect(other.requests.all.isEmpty)
    }

    @Test(arguments: ["300 Multiple Choices", "304 Not Modified", "305 Use Proxy"])
    func `that sends nowhere is not told as a redirect`(_ status: String) async throws {
        let receiver = try Receiver(status)
        defer { receiver.stop() }

        let outcome = await (try handler(receiver)).outcome(of: job())

        let error = "POST \(receiver.url) was answered \(status.prefix(3))"
        #expect(outcome == .fail(attempts: 1, error: error))
    }

    @Test func `that changes to another protocol fails for good, and it is said`() async throws {
        let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        let receiver = try Receiver { _ in Array(head.utf8) }
        defer { receiver.stop() }

        let outcome = await (try handler(receiver)).outcome(of: job())

        let words = "was answered 101, which changes to a protocol that nobody asked for"
        #expect(outcome == .fail(attempts: 1, error: "POST \(receiver.url) \(words)"))
    }

    @Test func `that only says that an answer will come fails the attempt, and it is said`() async throws {
        let receiver = try Receiver { _ in Array("HTTP/1.1 103 Early Hints\r\n\r\n".utf8) }
        defer { receiver.stop() }

        let outcome = await (try handler(receiver)).outcome(of: job())

        #expect(
            outcome.error
                == "POST \(receiver.url): the connection ended behind the provisional answer 103")
    }

    @Test(arguments: ["+PONG\r\n", "done", "{\"a\":1}\r\n\r\n", "HTTP/1.1 000 None\r\n\r\n"])
    func `that answers no HTTP fails the attempt, and its address is not blamed`(_ text: String) async throws
    {
        let receiver = try Receiver { _ in Array(text.utf8) }
        defer { receiver.stop() }

        guard case .retry(_, _, let error) = await (try handler(receiver)).outcome(of: job()) else {
            Issue.record("an answer that is no HTTP was taken")
            return
        }
        #expect(error == "POST \(receiver.url): what was answered is no HTTP")
    }

    @Test func `whose answer is too long fails for good`() async throws {
        let receiver = try Receiver { _ in
            Array("HTTP/1.1 200 OK\r\n\r\n".utf8) + [UInt8](repeating: 7, count: Limits.resultBytes + 1)
        }
        defer { receiver.stop() }

        guard case .fail(attempts: 1, let error) = await (try handler(receiver)).outcome(of: job()) else {
            Issue.record("it did not fail for good")
            return
        }
        #expect(error.contains("more than \(Limits.resultBytes) bytes"))
    }

    @Test func `that does not answer in time fails the attempt [F7]`() async throws {
        let receiver = try Receiver { _ in nil }
        defer { receiver.stop() }

        let outcome = await (try handler(receiver, timeout: .milliseconds(200))).outcome(of: job())

        #expect(outcome.error == "POST \(receiver.url): Timeout was reached")
    }

    @Test func `is not waited for once the job is stopped`() async throws {
        let asked = Gate()
        let receiver = try Receiver { _ in
            asked.open()
            return nil
        }
        defer { receiver.stop() }
        let handler = try handler(receiver, timeout: .seconds(3600))
        let context = job()

        let run = Task { await handler.outcome(of: context) }
        await asked.wait()
        run.cancel()

        #expect(await run.value == .release(after: .zero))
    }

    @Test func `that is not there fails the attempt`() async throws {
        let gone = try Receiver("200 OK")
        gone.stop()
        #expect(await (try handler(gone)).outcome(of: job()).error?.hasPrefix("POST \(gone.url): ") == true)
    }

    @Test(arguments: ["127.0.0.1", "localhost", "0.0.0.0", "2130706433"])
    func `on this machine is refused unless it is allowed, whatever it is called`(_ host: String) async throws
    {
        let receiver = try Receiver("200 OK")
        defer { receiver.stop() }
        let hook = try HTTPHandler("http://\(host):\(receiver.port)/hook")

        guard case .fail(attempts: 1, let error) = await hook.handler(for: "t").outcome(of: job()) else {
            Issue.record("it was asked")
            return
        }
        #expect(error.contains("leads to this machine or its own network"))
        #expect(receiver.requests.all.isEmpty)
    }

    @Test func `gets the credentials of its address, and no message does`() async throws {
        let receiver = try Receiver("500 Internal Server Error")
        defer { receiver.stop() }
        // Its scheme is the same in capitals.
        let url = "HTTP://user:secret@127.0.0.1:\(receiver.port)/hook?token=hidden"
        let hook = try HTTPHandler(url, isPrivateAllowed: true).handler(for: "t")

        #expect(await hook.outcome(of: job()).error == "POST \(receiver.url) was answered 500")

        let request = try #require(receiver.requests.all.first)
        #expect(request.line == "POST /hook?token=hidden HTTP/1.1")
        #expect(request.headers["authorization"] == "Basic " + Data("user:secret".utf8).base64EncodedString())
    }

    @Test(arguments: [
        "", "x", "example.com", "http:", "http://", "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/", "http://a b/", "http://example.com\0.evil.com/", "https://user:secret@:443/",
    ])
    func `has an address of HTTP, or is refused before any job is`(_ url: String) async throws {
        let error = try #require(await caught(InvalidSetting.self) { try HTTPHandler(url) })
        #expect(!"\(error)".contains("secret"))
    }
}
