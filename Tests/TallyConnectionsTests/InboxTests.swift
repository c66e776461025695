import TallyConnections
import Testing

@Suite struct `An inbox` {
    @Test func `hands out all that waits at once, in its order`() {
        let inbox = Inbox<Int>()
        for number in 1...3 { #expect(inbox.put(number)) }

        #expect(inbox.takeAll() == [1, 2, 3])
    }

    @Test func `takes nothing more once it is closed, and hands out what waits`() {
        let inbox = Inbox<Int>()
        #expect(inbox.put(1) && !inbox.hasClosed)
        inbox.close()

        #expect(!inbox.put(2) && inbox.hasClosed)
        #expect(inbox.takeAll() == [1])
        #expect(inbox.takeAll() == nil)
    }

    @Test func `wakes the thread that waits in it, by an item and by its end`() async {
        let inbox = Inbox<Int>()
        let (taken, teller) = AsyncStream.makeStream(of: [Int].self)
        startThread {
            while let items = inbox.takeAll() { teller.yield(items) }
            teller.finish()
        }
        var heard = taken.makeAsyncIterator()

        #expect(inbox.put(7))
        let items = await heard.next()
        inbox.close()
        let end = await heard.next()

        #expect(items == [7] && end == nil)
    }
}
