import Glibc
import Synchronization
import TestSupport
import Testing

@testable import TallyHandlers

/// Real servers, and a system that runs out of descriptors as each case says.
@Suite(.timeLimit(.minutes(1))) struct `An exchange without a socket` {
    private static let host = "hook.example.com"

    /// Makes no socket for the first addresses, each for its reason.
    private static func failing(first codes: [Int32]) -> CurlTransfer.OpenSocket {
        let left = Rest(codes)
        return { family, type, number in
            guard let code = left.next() else { return Glibc.socket(family, type, number) }
            errno = code
            return -1
        }
    }

    private final class Rest: Sendable {
        private let codes: Mutex<ArraySlice<Int32>>

        init(_ codes: [Int32]) { self.codes = Mutex(codes[...]) }

        func next() -> Int32? { codes.withLock { $0.popFirst() } }
    }

    private func request(_ port: UInt16, _ addresses: String) throws -> HTTPExchange.Request {
        HTTPExchange.Request(
            target: try HTTPTarget("http://\(Self.host):\(port)/hook"), isPrivateAllowed: true,
            names: ["\(Self.host):\(port):\(addresses)"])
    }

    @Test func `is an attempt once another address had one and was sent the request`() async throws {
        let receiver = try Receiver { _ in nil }
        defer { receiver.stop() }
        var request = try request(receiver.port, "127.0.0.2,127.0.0.1")
        request.timeout = .milliseconds(300)
        let exchange = HTTPExchange(request, openSocket: Self.failing(first: [EMFILE]))

        let error = await caught(HTTPFailed.self) { try await exchange.answer() }

        #expect(error?.description.hasSuffix("Timeout was reached") == true, "\(String(describing: error))")
        #expect(receiver.requests.count == 1)
    }

    @Test(arguments: [[EMFILE, EMFILE], [EMFILE, EAFNOSUPPORT], [EAFNOSUPPORT, EMFILE]])
    func `is none where no address had one, and something is lacking that others may let go of`(
        _ codes: [Int32]
    ) async throws {
        let receiver = try Receiver("200 OK", body: "here")
        defer { receiver.stop() }
        let request = try request(receiver.port, "127.0.0.2,127.0.0.1")
        let exchange = HTTPExchange(request, openSocket: Self.failing(first: codes))

        let error = await caught(HandlerNotStarted.self) { try await exchange.answer() }

        #expect(error?.description == "no socket for the request: Too many open files")
        #expect(receiver.requests.all.isEmpty)
    }

    @Test func `is not refused for good where only some of its addresses are`() async throws {
        // Nothing is sent to the address of the internet: it has no socket.
        var request = try request(80, "127.0.0.1,192.88.98.1")
        request.isPrivateAllowed = false
        let codes = Array(repeating: EAFNOSUPPORT, count: 9)
        let exchange = HTTPExchange(request, openSocket: Self.failing(first: codes))

        let error = await caught(HTTPFailed.self) { try await exchange.answer() }

        #expect(error != nil)
    }
}
