import Glibc
import TallyCore
import Testing

@testable import TallyHandlers

@Suite struct `The head of an answer` {
    private func head(_ lines: String...) -> AnswerHead {
        var head = AnswerHead()
        for line in lines { _ = head.add(Array("\(line)\r\n".utf8)) }
        return head
    }

    /// 6 November 1994, 8:49:37.
    private let then = 784_111_777
    private func date(_ text: String) -> Int? { text == "Sun, 06 Nov 1994 08:49:37 GMT" ? then : nil }

    @Test(arguments: [
        ("30", 30), (" 1 ", 1), ("3600", 3600), ("3601", 3600), ("20300101", 3600),
        ("99999999999999999999999999", 3600),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 100), ("Sun,  06 Nov 1994\t08:49:37 GMT", 100),
    ])
    func `may ask to be left alone, in seconds or until a date, within an hour`(
        _ value: String, _ seconds: Int
    ) {
        let head = head("HTTP/1.1 503 Busy", "rEtry-AFTER:\(value)", "")
        #expect(head.status == 503 && head.wait(now: then - 100, date: date) == .seconds(seconds))
    }

    @Test(arguments: [
        "", " ", "0", "-9", "1.5", "+5", "soon", "٣", "30 s", "0x10", "\u{0}30", "Sun, 06 Nov",
    ])
    func `asks nothing by what is no time`(_ value: String) {
        #expect(head("HTTP/1.1 503 Busy", "Retry-After: \(value)").wait(now: 0, date: date) == nil)
    }

    @Test func `asks nothing by a time that is over, and none by what stands elsewhere`() {
        let over = head("HTTP/1.1 429", "retry-after: Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(over.status == 429 && over.wait(now: then, date: date) == nil)
        let provisional = head("HTTP/1.1 103 Early Hints", "Retry-After: 30", "", "HTTP/1.1 503 Busy", "")
        #expect(provisional.status == 503 && provisional.retryAfter == nil)
        let behind = head("HTTP/1.1 503 Busy", "", "Retry-After: 30")
        #expect(behind.retryAfter == nil)
        #expect(head("HTTP/1.1 503", "X-Retry-After: 30", "no field", "").retryAfter == nil)
    }

    @Test(arguments: [
        "HTTP/1.1", "HTTP/1.1 abc", "HTTP/1.1 99999999999999999999 Odd", "HTTP/1.1 2000", "HTTP/1.1 -1",
        "HTTP/2 200", "HTTP/3 200", "HTTP/11 200",
    ])
    func `may have no status`(_ line: String) {
        #expect(head(line).status == 0 && !head(line).isSuccess)
    }

    @Test func `says one length of its body, or is no answer`() {
        let ok = "HTTP/1.1 200 OK"
        #expect(head(ok, "Content-Length: 2", "CONTENT-LENGTH:3", "").isAmbiguous)
        #expect(head(ok, "Content-Length: 2, 3").isAmbiguous && head(ok, "Content-Length: 2,").isAmbiguous)
        #expect(!head(ok, "Content-Length: 2", "content-length:  2 ", "Content-Length: 2,2").isAmbiguous)
        #expect(!head(ok, "Content-Length: 05", "Content-Length: 5, 005").isAmbiguous)
        #expect(!head(ok, "Content-Length: 0", "Content-Length: 00").isAmbiguous)
        #expect(head(ok, "Content-Length: 0", "Content-Length: 1").isAmbiguous)
        #expect(!head(ok, "Content-Length: 2", "", "Content-Length: 3").isAmbiguous)
        #expect(!head("HTTP/1.1 103 Early", "Content-Length: 2", "", ok, "Content-Length: 3").isAmbiguous)
    }

    @Test(arguments: ["2 3", "", " ", "+2", "-2", "0x2", "2.0", "٢", "two", "2;"])
    func `says no length of its body by what is no number`(_ value: String) {
        #expect(head("HTTP/1.1 200 OK", "Content-Length: \(value)").isAmbiguous)
        #expect(head("HTTP/1.1 200 OK", "Content-Length: 2", "Content-Length: \(value)").isAmbiguous)
    }

    @Test func `is taken up to a bound, over all that come`() {
        var head = AnswerHead()
        let line = Array("HTTP/1.1 100 Continue\r\n".utf8)
        var taken = 0
        while head.add(line) { taken += 1 }
        #expect(head.isTooLong && taken == Limits.httpHeadBytes / line.count)
    }
}
