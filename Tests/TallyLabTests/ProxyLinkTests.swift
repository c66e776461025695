import Foundation
import Glibc
import Synchronization
import TallyConnections
import TallyServers
import TestSupport
import Testing

@testable import TallyLab

/// A server that answers every line with `<line>!`, over real sockets.
private final class EchoServer: Sendable {
    let port: Int
    private let listener: Int32
    private let wake = WakePipe()
    let lines = Mutex<[String]>([])

    init() throws {
        (listener, port) = try Sockets.listen(port: 0)
        let (listener, wake) = (listener, wake)
        try startThread { [self] in
            while Sockets.wait(listener, POLLIN, wake: wake.reading) {
                guard let client = Sockets.accept(listener) else { continue }
                do {
                    try startThread { self.answer(client) }
                } catch {
                    Glibc.close(client)
                }
            }
            Glibc.close(listener)
        }
    }

    private func answer(_ client: Int32) {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while Sockets.wait(client, POLLIN, wake: wake.reading), recv(client, &byte, 1, 0) == 1 {
            bytes.append(byte)
            guard byte == 10 else { continue }
            let line = String(decoding: bytes.dropLast(), as: UTF8.self)
            lines.withLock { $0.append(line) }
            let reply = Array("\(line)!\n".utf8)
            _ = send(client, reply, reply.count, Int32(MSG_NOSIGNAL))
            bytes = []
        }
        Glibc.close(client)
    }

    func stop() { wake.raise() }
}

/// A client that blocks, with a limit on every read.
private struct Caller {
    let descriptor: Int32
    init?(_ port: Int, limit: Int = 5000) {
        guard let connected = Sockets.connect(port: port) else { return nil }
        descriptor = connected
        var time = timeval(tv_sec: limit / 1000, tv_usec: limit % 1000 * 1000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    enum Answer: Equatable {
        case text(String)
        case end
        case reset
        case nothing
    }

    func say(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Until a line, an end, or the limit.
    func hear() -> Answer {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            let count = recv(descriptor, &byte, 1, 0)
            if count == 1 {
                if byte == 10 { return .text(String(decoding: bytes, as: UTF8.self)) }
                bytes.append(byte)
                continue
            }
            if !bytes.isEmpty { return .text(String(decoding: bytes, as: UTF8.self)) }
            if count == 0 { return .end }
            return errno == ECONNRESET ? .reset : .nothing
        }
    }

    func ask(_ line: String) -> Answer {
        say(line)
        return hear()
    }
    func close() { Glibc.close(descriptor) }
}

@Suite struct `The fault proxy` {
    private func withLink(_ body: (ProxyLink, EchoServer) async throws -> Void) async throws {
        let server = try EchoServer()
        let link = try ProxyLink("test", upstream: server.port)
        defer {
            link.close()
            server.stop()
        }
        try await body(link, server)
    }

    @Test func `passes what is said and what is answered`() async throws {
        try await withLink { link, _ in
            let caller = try #require(Caller(link.port))
            defer { caller.close() }
            #expect(caller.ask("one") == .text("one!"))
            #expect(caller.ask("two") == .text("two!"))
            #expect(link.counts.harm == 0)
            #expect(link.counts.bytesUp == 8)
        }
    }

    @Test func `swallows the next reply after the request went through`() async throws {
        try await withLink { link, server in
            let caller = try #require(Caller(link.port))
            defer { caller.close() }
            #expect(caller.ask("one") == .text("one!"))
            link.set(.dropNextReply)
            #expect([.end, .reset].contains(caller.ask("two")))
            #expect(server.lines.withLock { $0 } == ["one", "two"])
            #expect(link.counts.swallowed == 1)
            link.set(.pass)
            let next = try #require(Caller(link.port))
            defer { next.close() }
            #expect(next.ask("three") == .text("three!"))
        }
    }

    @Test func `a blackhole holds one direction or both, and loses nothing`() async throws {
        try await withLink { link, server in
            let caller = try #require(Caller(link.port, limit: 300))
            defer { caller.close() }
            #expect(caller.ask("one") == .text("one!"))
            link.set(.blackhole(up: false, down: true))
            #expect(caller.ask("two") == .nothing)
            #expect(server.lines.withLock { $0 } == ["one", "two"])
            link.set(.pass)
            #expect(caller.hear() == .text("two!"))
            link.set(.blackhole(up: true, down: true))
            #expect(caller.ask("three") == .nothing)
            #expect(server.lines.withLock { $0.count } == 2)
            link.set(.pass)
            #expect(caller.hear() == .text("three!"))
            #expect(link.counts.held >= 2)
        }
    }

    @Test func `cuts a reply after so many bytes, and garbles or halves one`() async throws {
        try await withLink { link, _ in
            for (mode, expected) in [
                (LinkMode.cutAfter(3, isUp: false), "lon"), (.truncate, "long"),
            ] {
                let caller = try #require(Caller(link.port))
                defer { caller.close() }
                link.set(mode)
                let answer = caller.ask("longer")
                #expect(answer == .text(expected) || answer == .reset, "\(mode)")
                link.set(.pass)
            }
            let caller = try #require(Caller(link.port))
            defer { caller.close() }
            link.set(.corrupt)
            guard case .text(let garbage) = caller.ask("one") else {
                Issue.record("no garbage came")
                return
            }
            #expect(!garbage.contains("one"))
            #expect(link.counts.garbled == 1)
        }
    }

    @Test func `resets, refuses, and accepts without an answer`() async throws {
        try await withLink { link, _ in
            let caller = try #require(Caller(link.port))
            defer { caller.close() }
            #expect(caller.ask("one") == .text("one!"))
            link.set(.reset)
            #expect(caller.hear() == .reset)
            link.set(.pass)
            link.set(.refuse)
            try await eventually("nobody listens") {
                guard let other = Caller(link.port, limit: 100) else { return true }
                other.close()
                return false
            }
            link.set(.pass)
            let again = try #require(Caller(link.port))
            defer { again.close() }
            #expect(again.ask("two") == .text("two!"))
            link.set(.halfOpen)
            let mute = try #require(Caller(link.port, limit: 300))
            defer { mute.close() }
            #expect(mute.ask("three") == .nothing)
            #expect(link.counts.unanswered == 1)
            link.set(.pass)
            #expect([.end, .reset].contains(mute.hear()))
        }
    }

    @Test func `delays, slows down, and half closes`() async throws {
        try await withLink { link, server in
            let caller = try #require(Caller(link.port))
            defer { caller.close() }
            link.set(.delay(50_000, jitter: 0))
            let began = ContinuousClock.now
            #expect(caller.ask("one") == .text("one!"))
            #expect(ContinuousClock.now - began >= .milliseconds(100))
            link.set(.rate(100))
            let slow = ContinuousClock.now
            #expect(caller.ask("123456789") == .text("123456789!"))
            #expect(ContinuousClock.now - slow >= .milliseconds(150))
            link.set(.halfClose)
            #expect(caller.hear() == .end)
            caller.say("last words")
            try await eventually("they arrive") { server.lines.withLock { $0.last } == "last words" }
        }
    }

    @Test func `leads new connections elsewhere, and a server that is away is a reset`() async throws {
        try await withLink { link, _ in
            let other = try EchoServer()
            defer { other.stop() }
            let caller = try #require(Caller(link.port))
            defer { caller.close() }
            #expect(caller.ask("one") == .text("one!"))
            link.redirect(to: other.port)
            #expect([.end, .reset].contains(caller.hear()))
            let next = try #require(Caller(link.port))
            defer { next.close() }
            #expect(next.ask("two") == .text("two!"))
            #expect(other.lines.withLock { $0 } == ["two"])
            link.redirect(to: try ServerTools.freePort())
            let lost = try #require(Caller(link.port))
            defer { lost.close() }
            #expect([.end, .reset].contains(lost.ask("three")))
            #expect(link.counts.unreachable >= 1)
        }
    }
}
