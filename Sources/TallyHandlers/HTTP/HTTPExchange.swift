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
    private var shown: String { request.target.shown }

    /// - Parameter stackBytes: of its thread, as `startThread` takes it.
    init(_ request: Request, stackBytes: Int? = nil) {
        self.request = request
        call = StoppableCall(stackBytes: stackBytes)
    }

    /// - Throws: `CancellationError` once the task was cancelled; `HandlerNotStarted` where this process has no room
    ///   for it; `JobError` where another attempt would end alike; `HTTPFailed` where there was no answer.
    func answer() async throws -> HTTPAnswer {
        try await call.answer { tell in
            let transfer = CurlTransfer(isPrivateAllowed: self.request.isPrivateAllowed)
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
        // Of a refusal its status says enough, however much comes behind it.
        let isEnough = transfer.isTooLong && !head.isSuccess
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
        guard code == CURLE_OK || isEnough else {
            throw HTTPFailed("POST \(shown): \(String(cString: curl_easy_strerror(code)))")
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
