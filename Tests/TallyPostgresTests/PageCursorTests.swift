import TallyCore
import Testing

@testable import TallyPostgres

@Suite struct `A cursor of a listing` {
    private let id = JobID()
    private let query = JobQuery(queue: "mail", status: .failed, type: "t", newestFirst: true)

    private func refusal(_ text: String, of query: JobQuery) -> String? {
        do throws(LedgerError) {
            _ = try PageCursor(text, of: query)
            return nil
        } catch {
            return error.code == .invalid ? error.detail : "\(error)"
        }
    }

    @Test func `comes back from its text, whatever the size of the pages`() throws {
        var next = query
        next.limit = 7
        next.cursor = "whatever it was"

        #expect(try PageCursor(PageCursor(after: id, of: query).text, of: next).after == id)
    }

    @Test func `fits no listing by another filter, or in another order`() {
        let text = PageCursor(after: id, of: query).text
        let others = [
            JobQuery(queue: "post", status: .failed, type: "t", newestFirst: true),
            JobQuery(queue: "mail", status: .completed, type: "t", newestFirst: true),
            JobQuery(queue: "mail", status: .failed, type: nil, newestFirst: true),
            JobQuery(queue: "mail", status: .failed, type: "t", newestFirst: false),
            // What one filter ends with is not what the next begins with.
            JobQuery(queue: "mailt", status: .failed, type: "", newestFirst: true), JobQuery(),
        ]

        for other in others {
            #expect(refusal(text, of: other) == "cursor: belongs to another filter or order")
        }
    }

    @Test func `is refused where it is none`() {
        let text = PageCursor(after: id, of: query).text
        let wrong = ["", "A", "é", text + "=", text + "A", String(text.dropLast()), "C" + text.dropFirst()]

        for text in wrong + [String(repeating: "A", count: 101)] {
            let why = refusal(text, of: query)
            #expect(why == "cursor: is not one of this listing; leave it out to begin anew", "\(text)")
        }
    }

    @Test func `is written in digits that need no escape, and read in no other way`() {
        for count in 0...40 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + count) }
            let text = Base64URL.encode(bytes)
            #expect(Base64URL.decode(text) == bytes)
            #expect(text.utf8.count == (count * 8 + 5) / 6 && !text.contains { "+/=".contains($0) })
        }
        #expect(Base64URL.encode([0xFB, 0xFF]) == "-_8" && Base64URL.decode("-_9") == nil)
    }
}
