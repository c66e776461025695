import CCurl
import Glibc
import TallyCore

/// What libcurl holds for one request, and what comes of it. Belongs to one thread.
final class CurlTransfer {
    let easy: UnsafeMutableRawPointer?
    let multi: UnsafeMutableRawPointer?
    private(set) var head = AnswerHead()
    private(set) var answer: [UInt8] = []
    /// The body was longer than is kept, and not read to its end.
    private(set) var isTooLong = false
    /// Every address that was to be connected to was refused.
    var isRefused: Bool { refused > 0 && opened == 0 }
    /// Why no socket was to be had, though an address was there.
    private(set) var lack: HandlerNotStarted?
    private var refused = 0
    private var opened = 0
    private let isPrivateAllowed: Bool
    private var lists: [UnsafeMutablePointer<curl_slist>] = []

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
        for list in lists { curl_slist_free_all(list) }
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
        transfer.opened += 1
        let descriptor = Glibc.socket(
            address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue),
            address.pointee.protocol)
        if descriptor < 0 { transfer.lack = HandlerNotStarted("no socket for the request", code: errno) }
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
