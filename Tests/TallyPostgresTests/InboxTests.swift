import Dispatch
import TallyConnections
import Testing

@Suite struct `An inbox` {
    /// A pool opens another connection where its inbox is short of threads. One that was woken for the first item may
    /// still look idle when the second comes.
    @Test func `is short of threads when two items come for one of them`() {
        for _ in 0..<1000 {
            let inbox = Inbox<Int>()
            let (taken, finish) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            startThread {
                while inbox.takeOne() != nil {
                    taken.signal()
                    finish.wait()
                }
            }
            _ = inbox.put(0)
            taken.wait()
            finish.signal()  // on its way to wait again, or there already
            #expect(inbox.put(1))
            #expect(inbox.put(2))
            #expect(inbox.isShort)
            for _ in 0..<2 {
                taken.wait()
                finish.signal()
            }
            #expect(!inbox.isShort)
            inbox.close()
        }
    }
}
