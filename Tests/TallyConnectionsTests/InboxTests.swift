import TallyConnections
import Testing

@Suite struct `An inbox` {
    @Test func `hands out all that waits at once, in its order`() {
        let inbox = Inbox<Int>(items: 10, bytes: 100)
        for number in 1...3 { #expect(inbox.put(number) == .accepted) }

        #expect(inbox.takeAll() == [1, 2, 3])
    }

    @Test func `takes nothing more once it is closed, and hands out what waits`() {
        let inbox = Inbox<Int>(items: 10, bytes: 100)
        #expect(inbox.put(1) == .accepted && !inbox.hasClosed)
        inbox.close()

        #expect(inbox.put(2) == .closed && inbox.hasClosed)
        #expect(inbox.takeAll() == [1])
        #expect(inbox.takeAll() == nil)
    }

    @Test func `lets no more wait than it may, by number and by bytes, and an item of any size when empty`() {
        let few = Inbox<Int>(items: 2, bytes: 100)
        #expect([1, 2, 3].map { few.put($0) } == [.accepted, .accepted, .full])
        #expect(few.takeAll() == [1, 2])
        #expect(few.put(4) == .accepted, "there is room again")

        let small = Inbox<Int>(items: 10, bytes: 100)
        #expect([1, 2, 3].map { small.put($0, bytes: 99) } == [.accepted, .accepted, .full])
        #expect(small.takeAll() == [1, 2])
        #expect(small.put(4, bytes: 1000) == .accepted)
        #expect(small.put(5, bytes: 1) == .full)
        #expect(small.takeAll() == [4])
    }

    @Test func `tells who waits for a number of items when so many were let in, taken out or not`() async {
        let inbox = Inbox<Int>(items: 2, bytes: 100)
        let told = Task { await inbox.untilAccepted(3) }
        #expect(inbox.put(1) == .accepted && inbox.put(2) == .accepted && inbox.put(0) == .full)
        #expect(inbox.acceptedCount == 2)
        #expect(inbox.takeAll() == [1, 2])
        #expect(inbox.put(3) == .accepted)

        await told.value
        await inbox.untilAccepted(3)  // at once: they were
        #expect(inbox.acceptedCount == 3)
    }

    @Test func `wakes the thread that waits in it, by an item and by its end`() async throws {
        let inbox = Inbox<Int>(items: 10, bytes: 100)
        let (taken, teller) = AsyncStream.makeStream(of: [Int].self)
        try startThread {
            while let items = inbox.takeAll() { teller.yield(items) }
            teller.finish()
        }
        var heard = taken.makeAsyncIterator()

        #expect(inbox.put(7) == .accepted)
        let items = await heard.next()
        inbox.close()
        let end = await heard.next()

        #expect(items == [7] && end == nil)
    }
}
