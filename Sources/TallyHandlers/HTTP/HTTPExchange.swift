import CCurl
import Glibc
import Synchronization
import TallyConnections
import TallyCore
import TallyRuntime

// All that is known of libcurl.

/// An address that a body can be sent to.
struct HTTPTarget: Sendable {
    /// As it was given, credentials included.
    let url: String
    /// As a message may show it: without credentials, query and fragment.
    let shown: String

    init(_ text: String) throws(InvalidSetting) {
        guard let url = curl_url() else { throw InvalidSetting("http", "there is no memory for the address") }
        defer { curl_url_cleanup(url) }
        let isRead = !text.utf8.contains(0) && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK
        guard isRead, let scheme = Self.part(CURLUPART_SCHEME, of: url),
            ["http", "https"].contains(scheme.lowercased())
        else { throw InvalidSetting("http", "must be an address such as https://example.com/path") }
        for part in [CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT] {
            _ = curl_url_set(url, part, nil, 0)
        }
        guard let shown = Self.part(CURLUPART_URL, of: url) else {
            throw InvalidSetting("http", "must be an address such as https://example.com/path")
        }
        self.url = text
        self.shown = shown
    }

    private static func part(_ part: CURLUPart, of url: OpaquePointer) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(url, part, &text, 0) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}

/// One request and its answer, on a thread of its own.
final class HTTPExchange: Sendable {
    private struct State {
        var isStopped = false
        /// Where the handle lies whose wait a cancellation ends; nil = it does not wait yet, or no longer.
        var waiting: UInt?
    }
    private let target: HTTPTarget
    private let headers: [String]
    private let body: [UInt8]
    private let isPrivateAllowed: Bool
    private let connect: Duration
    private let timeout: Duration
    private let state = Mutex(State())

    init(
        _ target: HTTPTarget, headers: [String], body: [UInt8], isPrivateAllowed: Bool, connect: Duration,
        timeout: Duration
    ) {
        self.target = target
        self.headers = headers
        self.body = body
        self.isPrivateAllowed = isPrivateAllowed
        self.connect = connect
        self.timeout = timeout
    }

    /// - Throws: `CancellationError` once the task was cancelled; `JobError` where another attempt would end alike;
    ///   `HTTPFailed` where there was no answer.
    func answer() async throws -> HTTPAnswer {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { caller in
                startThread {
                    let transfer = CurlTransfer(isPrivateAllowed: self.isPrivateAllowed)
                    caller.resume(with: Result { try self.run(transfer) })
                    // Closed behind the caller's back: libcurl may wait for a name that nobody answers for.
                    withExtendedLifetime(transfer) {}
                }
            }
        } onCancel: {
            state.withLock { state in
                state.isStopped = true
                // Under the lock, so that the handle is still there.
                if let waiting = state.waiting.flatMap({ UnsafeMutableRawPointer(bitPattern: $0) }) {
                    curl_multi_wakeup(waiting)
                }
            }
        }
    }

    private func run(_ transfer: CurlTransfer) throws -> HTTPAnswer {
        guard let easy = transfer.easy, let multi = transfer.multi,
            transfer.set(target.url, headers: headers, body: body, connect: connect, timeout: timeout),
            curl_multi_add_handle(multi, easy) == CURLM_OK
        else { throw HTTPFailed("POST \(target.shown): libcurl cannot be used") }
        state.withLock { $0.waiting = UInt(bitPattern: multi) }
        defer {
            state.withLock { $0.waiting = nil }
            curl_multi_remove_handle(multi, easy)
        }
        var isRunning: Int32 = 1
        while true {
            guard curl_multi_perform(multi, &isRunning) == CURLM_OK else {
                throw HTTPFailed("POST \(target.shown): libcurl cannot go on")
            }
            if isRunning == 0 { break }
            // A cancellation from here on wakes the wait, also one that has not begun.
            if state.withLock({ $0.isStopped }) { throw CancellationError() }
            curl_multi_poll(multi, nil, 0, Int32(clamping: Limits.httpWait.microseconds / 1000), nil)
        }
        return try outcome(transfer, easy, multi)
    }

    private func outcome(
        _ transfer: CurlTransfer, _ easy: UnsafeMutableRawPointer, _ multi: UnsafeMutableRawPointer
    ) throws -> HTTPAnswer {
        var left: Int32 = 0
        guard let message = curl_multi_info_read(multi, &left), message.pointee.msg == CURLMSG_DONE else {
            throw HTTPFailed("POST \(target.shown): libcurl did not say how it ended")
        }
        let code = message.pointee.data.result
        if transfer.isTooLong {
            throw JobError.final(
                "POST \(target.shown): the answer has more than \(Limits.resultBytes) bytes, the most that are kept "
                    + "of a result")
        }
        if code != CURLE_OK, transfer.isRefused {
            throw JobError.final(
                "POST \(target.shown): it leads to this machine or its own network, which must be allowed")
        }
        guard code == CURLE_OK else {
            throw HTTPFailed("POST \(target.shown): \(String(cString: curl_easy_strerror(code)))")
        }
        let seconds = tally_curl_retry_after(easy)
        return HTTPAnswer(
            target: target.shown, status: tally_curl_status(easy), body: transfer.answer,
            retryAfter: seconds > 0 ? .seconds(seconds) : nil)
    }
}

/// What libcurl holds for one request, and what comes of it. Belongs to one thread.
private final class CurlTransfer {
    let easy: UnsafeMutableRawPointer?
    let multi: UnsafeMutableRawPointer?
    private(set) var answer: [UInt8] = []
    private(set) var isTooLong = false
    /// Every address that was to be connected to was refused.
    var isRefused: Bool { refused > 0 && opened == 0 }
    private var refused = 0
    private var opened = 0
    private let isPrivateAllowed: Bool
    private var list: UnsafeMutablePointer<curl_slist>?

    /// Once a process, before anything else of it.
    private static let isReady = tally_curl_start() == CURLE_OK

    init(isPrivateAllowed: Bool) {
        self.isPrivateAllowed = isPrivateAllowed
        easy = Self.isReady ? curl_easy_init() : nil
        multi = Self.isReady ? curl_multi_init() : nil
    }

    deinit {
        if let easy { curl_easy_cleanup(easy) }
        if let multi { curl_multi_cleanup(multi) }
        curl_slist_free_all(list)
    }

    /// Answers whether libcurl took everything.
    func set(
        _ url: String, headers: [String], body: [UInt8], connect: Duration, timeout: Duration
    ) -> Bool {
        for header in headers {
            guard let longer = curl_slist_append(list, header) else { return false }
            list = longer
        }
        let own = Unmanaged.passUnretained(self).toOpaque()
        var codes = [
            tally_curl_set_text(easy, CURLOPT_URL, url),
            tally_curl_set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https"),
            tally_curl_set_text(easy, CURLOPT_PROXY, ""),
            tally_curl_set_text(easy, CURLOPT_USERAGENT, "tallystick"),
            tally_curl_set_number(easy, CURLOPT_FOLLOWLOCATION, 0),
            // Its timer would be a signal.
            tally_curl_set_number(easy, CURLOPT_NOSIGNAL, 1),
            tally_curl_set_number(easy, CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(connect)),
            tally_curl_set_number(easy, CURLOPT_TIMEOUT_MS, Self.milliseconds(timeout)),
            tally_curl_set_list(easy, CURLOPT_HTTPHEADER, list),
            tally_curl_set_number(easy, CURLOPT_POST, 1),
            tally_curl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)),
            tally_curl_on_piece(easy, Self.piece, own),
            tally_curl_on_socket(easy, Self.socket, own),
        ]
        // It is copied. Without a byte behind it an empty one would have no address.
        codes.append(
            (body + [0]).withUnsafeBytes {
                tally_curl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress)
            })
        return codes.allSatisfy { $0 == CURLE_OK }
    }

    /// Never none: that would be for ever.
    private static func milliseconds(_ time: Duration) -> Int { max(1, Int(time.microseconds / 1000)) }

    private static let piece: curl_write_callback = { bytes, size, count, own in
        guard let bytes, let own else { return 0 }
        let transfer = Unmanaged<CurlTransfer>.fromOpaque(own).takeUnretainedValue()
        let length = size * count
        if transfer.answer.count + length > Limits.resultBytes {
            transfer.isTooLong = true
            return length == 0 ? 1 : 0  // another number than was given ends the transfer
        }
        transfer.answer += UnsafeRawBufferPointer(start: bytes, count: length)
        return length
    }

    /// The address that will be connected to, whatever name led to it and whatever that leads to a moment later.
    private static let socket: curl_opensocket_callback = { own, _, address in
        guard let own, let address else { return -1 }
        let transfer = Unmanaged<CurlTransfer>.fromOpaque(own).takeUnretainedValue()
        if !transfer.isPrivateAllowed {
            guard let bytes = CurlTransfer.bytes(of: address), NetworkAddress.isPublic(bytes) else {
                transfer.refused += 1
                return -1
            }
        }
        transfer.opened += 1
        let descriptor = Glibc.socket(
            address.pointee.family, address.pointee.socktype, address.pointee.protocol)
        if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        return descriptor
    }

    private static func bytes(of address: UnsafeMutablePointer<curl_sockaddr>) -> [UInt8]? {
        guard let raw = tally_curl_address(address) else { return nil }
        switch address.pointee.family {
        case AF_INET:
            let address = raw.loadUnaligned(as: sockaddr_in.self).sin_addr
            return withUnsafeBytes(of: address) { Array($0) }
        case AF_INET6:
            let address = raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            return withUnsafeBytes(of: address) { Array($0) }
        default: return nil
        }
    }
}
