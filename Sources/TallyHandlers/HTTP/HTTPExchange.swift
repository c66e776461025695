import CCurl
import Glibc
import TallyCore
import TallyRuntime

/// One request and its answer, on a thread of its own.
final class HTTPExchange: Sendable {
    /// What is sent, to where, and for how long it may take.
    struct Request: Sendable {
        var target: HTTPTarget
        /// Lines of its head.
        var headers: [String] = []
        var body: [UInt8] = []
        /// Whether it may lead to this machine or its own network.
        var isPrivateAllowed = false
        /// For the name and the connection.
        var connect = Limits.connect
        /// For all of it.
        var timeout = Limits.httpAnswer
        /// Names and what they lead to, as `HOST:PORT:ADDRESS,…`, in the place of what a server of names would
        /// answer.
        var names: [String] = []
    }
    private let request: Request
    private let call: StoppableCall
    private let openSocket: CurlTransfer.OpenSocket
    private var shown: String { request.target.shown }

    /// - Parameters:
    ///   - stackBytes: of its thread, as `startThread` takes it.
    ///   - openSocket: makes its sockets.
    init(
        _ request: Request, stackBytes: Int? = nil,
        openSocket: @escaping CurlTransfer.OpenSocket = { Glibc.socket($0, $1, $2) }
    ) {
        self.request = request
        self.openSocket = openSocket
        call = StoppableCall(stackBytes: stackBytes)
    }

    /// - Throws: `CancellationError` once the task was cancelled; `HandlerNotStarted` where this process has no room
    ///   for it; `JobError` where another attempt would end alike; `HTTPFailed` where there was no answer.
    func answer() async throws -> HTTPAnswer {
        try await call.answer { tell in
            let transfer = CurlTransfer(
                isPrivateAllowed: self.request.isPrivateAllowed, openSocket: self.openSocket)
            tell(Result { try self.run(transfer) })
            // Closed behind the caller's back: libcurl may wait for a name that nobody answers for.
            withExtendedLifetime(transfer) {}
        }
    }

    private func run(_ transfer: CurlTransfer) throws -> HTTPAnswer {
        guard let easy = transfer.easy, let multi = transfer.multi else {
            throw HandlerNotStarted("there is no memory for libcurl")
        }
        guard transfer.set(request), curl_multi_add_handle(multi, easy) == CURLM_OK else {
            throw HTTPFailed("POST \(shown): libcurl cannot be used")
        }
        let address = UInt(bitPattern: multi)
        call.wakes(by: {
            if let multi = UnsafeMutableRawPointer(bitPattern: address) { curl_multi_wakeup(multi) }
        })
        defer {
            call.wakes(by: nil)
            curl_multi_remove_handle(multi, easy)
        }
        var isRunning: Int32 = 1
        while true {
            guard curl_multi_perform(multi, &isRunning) == CURLM_OK else {
                throw HTTPFailed("POST \(shown): libcurl cannot go on")
            }
            if isRunning == 0 { break }
            // A cancellation from here on wakes the wait, also one that has not begun.
            if call.isStopped { throw CancellationError() }
            curl_multi_poll(multi, nil, 0, Int32(clamping: Limits.httpWait.microseconds / 1000), nil)
        }
        var left: Int32 = 0
        guard let message = curl_multi_info_read(multi, &left), message.pointee.msg == CURLMSG_DONE else {
            throw HTTPFailed("POST \(shown): libcurl did not say how it ended")
        }
        return try outcome(of: transfer, message.pointee.data.result)
    }

    private func outcome(of transfer: CurlTransfer, _ code: CURLcode) throws -> HTTPAnswer {
        let head = transfer.head
        if head.isTooLong {
            throw HTTPFailed(
                "POST \(shown): the head of the answer has more than \(Limits.httpHeadBytes) bytes")
        }
        if head.isAmbiguous, head.isSuccess {
            throw HTTPFailed("POST \(shown): the answer does not say one length of its body")
        }
        // Of a refusal its status says enough, however much comes behind it, and wherever that ends.
        let isEnough = (transfer.isTooLong || head.isAmbiguous) && !head.isSuccess
        if transfer.isTooLong, !isEnough {
            throw JobError.final(
                "POST \(shown): the answer has more than \(Limits.resultBytes) bytes, the most that are kept of a "
                    + "result")
        }
        if code != CURLE_OK, transfer.isRefused {
            throw JobError.final(
                "POST \(shown): it leads to this machine or its own network, which must be allowed")
        }
        if code != CURLE_OK, let lack = transfer.lack { throw lack }
        // What follows such a head is no answer of HTTP, whatever libcurl makes of it.
        if head.status == 101, head.isOver { return HTTPAnswer(target: shown, status: 101, body: []) }
        guard code == CURLE_OK || isEnough else {
            throw HTTPFailed("POST \(shown): \(transfer.reason(of: code))")
        }
        // libcurl takes a head that breaks off for a whole one, and a line that only begins as HTTP for success.
        guard head.isOver, head.status > 0 else {
            throw HTTPFailed("POST \(shown): the head of the answer is none of HTTP, or breaks off")
        }
        let wait = head.wait(now: time(nil)) { text in
            let date = curl_getdate(text, nil)
            return date < 0 ? nil : date
        }
        return HTTPAnswer(
            target: shown, status: head.status, body: transfer.answer, retryAfter: wait)
    }
}

/// What libcurl holds for one request, and what comes of it. Belongs to one thread.
final class CurlTransfer {
    /// Family, type and protocol; answers the descriptor, or one below zero and `errno`.
    typealias OpenSocket = @Sendable (Int32, Int32, Int32) -> Int32

    let easy: UnsafeMutableRawPointer?
    let multi: UnsafeMutableRawPointer?
    private(set) var head = AnswerHead()
    private(set) var answer: [UInt8] = []
    /// The body was longer than is kept, and not read to its end.
    private(set) var isTooLong = false
    /// Every address that was to be connected to was refused.
    var isRefused: Bool { refused > 0 && allowed == 0 }
    /// Why no socket was to be had for any address. Through one that was made the request may have been sent,
    /// whatever was lacking for the addresses before.
    var lack: HandlerNotStarted? { opened == 0 ? missed : nil }
    private var refused = 0
    private var allowed = 0
    private var opened = 0
    private var missed: HandlerNotStarted?
    private let isPrivateAllowed: Bool
    private let openSocket: OpenSocket
    private var lists: [UnsafeMutablePointer<curl_slist>] = []

    /// Once a process, before anything else of it.
    private static let isReady = tally_curl_start() == CURLE_OK

    init(isPrivateAllowed: Bool, openSocket: @escaping OpenSocket) {
        self.isPrivateAllowed = isPrivateAllowed
        self.openSocket = openSocket
        easy = Self.isReady ? curl_easy_init() : nil
        multi = Self.isReady ? curl_multi_init() : nil
    }

    deinit {
        if let easy { curl_easy_cleanup(easy) }
        if let multi { curl_multi_cleanup(multi) }
        for list in lists { curl_slist_free_all(list) }
    }

    /// Why there was no answer. libcurl's own words speak of the address where the answer is to blame.
    func reason(of code: CURLcode) -> String {
        let isConnected = opened > 0
        switch code {
        case CURLE_UNSUPPORTED_PROTOCOL where isConnected, CURLE_WEIRD_SERVER_REPLY where isConnected:
            return "what was answered is no HTTP"
        case CURLE_GOT_NOTHING where (100..<200).contains(head.status):
            return "the connection ended behind the provisional answer \(head.status)"
        default: return String(cString: curl_easy_strerror(code))
        }
    }

    /// Answers whether libcurl took everything.
    func set(_ request: HTTPExchange.Request) -> Bool {
        guard let headers = list(request.headers), let names = list(request.names) else { return false }
        let own = Unmanaged.passUnretained(self).toOpaque()
        var codes = [
            tally_curl_set_text(easy, CURLOPT_URL, request.target.url),
            tally_curl_set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https"),
            tally_curl_set_text(easy, CURLOPT_PROXY, ""),
            tally_curl_set_text(easy, CURLOPT_USERAGENT, "tallystick"),
            tally_curl_set_number(easy, CURLOPT_FOLLOWLOCATION, 0),
            // One request a connection gains nothing by a later version.
            tally_curl_set_number(easy, CURLOPT_HTTP_VERSION, Self.version11),
            // Its timer would be a signal.
            tally_curl_set_number(easy, CURLOPT_NOSIGNAL, 1),
            tally_curl_set_number(easy, CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(request.connect)),
            tally_curl_set_number(easy, CURLOPT_TIMEOUT_MS, Self.milliseconds(request.timeout)),
            tally_curl_set_list(easy, CURLOPT_HTTPHEADER, headers.first),
            tally_curl_set_list(easy, CURLOPT_RESOLVE, names.first),
            tally_curl_set_number(easy, CURLOPT_POST, 1),
            tally_curl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count)),
            tally_curl_on_head(easy, Self.line, own),
            tally_curl_on_piece(easy, Self.piece, own),
            tally_curl_on_socket(easy, Self.socket, own),
        ]
        // It is copied. Without a byte behind it an empty one would have no address.
        codes.append(
            (request.body + [0]).withUnsafeBytes {
                tally_curl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress)
            })
        return codes.allSatisfy { $0 == CURLE_OK }
    }

    /// A list of libcurl's, which this frees; its first is nil where it is empty. nil = there is no memory.
    private func list(_ texts: [String]) -> (first: UnsafeMutablePointer<curl_slist>?, count: Int)? {
        var first: UnsafeMutablePointer<curl_slist>?
        for text in texts {
            guard let longer = curl_slist_append(first, text) else {
                curl_slist_free_all(first)
                return nil
            }
            first = longer
        }
        if let first { lists.append(first) }
        return (first, texts.count)
    }

    /// CURL_HTTP_VERSION_1_1, of an enumeration without a name.
    private static let version11 = 2

    /// Never none: that would be for ever.
    private static func milliseconds(_ time: Duration) -> Int { max(1, Int(time.microseconds / 1000)) }

    // MARK: What libcurl calls

    /// Another number than was given ends the transfer.
    private static func taken(_ isTaken: Bool, _ length: Int) -> Int {
        isTaken ? length : length == 0 ? 1 : 0
    }

    private static let line: curl_write_callback = { bytes, size, count, own in
        guard let bytes, let own else { return 0 }
        let transfer = Unmanaged<CurlTransfer>.fromOpaque(own).takeUnretainedValue()
        let length = size * count
        return taken(transfer.head.add(UnsafeRawBufferPointer(start: bytes, count: length)), length)
    }

    private static let piece: curl_write_callback = { bytes, size, count, own in
        guard let bytes, let own else { return 0 }
        let transfer = Unmanaged<CurlTransfer>.fromOpaque(own).takeUnretainedValue()
        let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
        let room =
            (transfer.head.isSuccess ? Limits.resultBytes : Limits.httpReasonBytes) - transfer.answer.count
        if piece.count > room { transfer.isTooLong = true }
        transfer.answer += piece.prefix(room)
        return taken(!transfer.isTooLong, piece.count)
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
        transfer.allowed += 1
        let descriptor = transfer.openSocket(
            address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue),
            address.pointee.protocol)
        if descriptor >= 0 {
            transfer.opened += 1
        } else if let missed = HandlerNotStarted("no socket for the request", code: errno) {
            transfer.missed = missed
        }
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
