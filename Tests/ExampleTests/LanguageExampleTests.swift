import TallyCore
import TallyHandlers
import TestSupport
import Testing

@testable import Tallystick

func pictureWorker(of tally: Tally, programsIn folder: String) throws -> Worker {
    let resize = try ExecHandler(["python3", "resize_image.py"], folder: folder)
    return tally.worker(
        handlers: [resize.handler(for: "image.resize")],
        configuration: WorkerConfiguration(queues: ["media"]))
}

func hookWorker(of tally: Tally, sendingTo url: String) throws -> Worker {
    let hook = try HTTPHandler(url)
    return tally.worker(
        handlers: [hook.handler(for: "invoice.sent")],
        configuration: WorkerConfiguration(queues: ["hooks"]))
}

@Suite struct `A handler of a few lines of Python` {
    @Test func `completes its job with what it writes, and fails the attempt on another body`() async throws {
        let program = try ExecHandler(["python3", "send_invoice.py"], folder: TaskFlow.folder)
        let handler = program.handler(for: "invoice.send")
        func outcome(of body: String) async -> RunOutcome {
            await handler.outcome(
                of: JobContext(testing: JobRecord(type: "invoice.send", body: Array(body.utf8))))
        }

        let sent = await outcome(of: #"{"order": 7}"#)
        #expect(sent == .complete(result: Array(#"{"sent": 7}"#.utf8)))
        guard case .retry(after: _, attempts: 1, error: let error) = await outcome(of: "{}") else {
            Issue.record("it was not tried again")
            return
        }
        #expect(error.contains("KeyError"))
    }
}

@Suite(.serialized, .timeLimit(.minutes(3))) struct `Workers in other languages, as the page shows them` {
    @Test func `give each job to its program, and to its server if that is in the internet`() async throws {
        let receiver = try Receiver("200 OK")
        defer { receiver.stop() }
        try await withHalves { scratch, completions in
            let tally = try await Tally.open(scratch.settings)
            let picture = JobRecord(type: "image.resize", queue: "media", body: Array("{}".utf8))
            let invoice = JobRecord(type: "invoice.sent", queue: "hooks", body: Array("{}".utf8))
            for job in [picture, invoice] { _ = try await tally.client.enqueue(job) }
            let workers = [
                try pictureWorker(of: tally, programsIn: TaskFlow.folder),
                try hookWorker(of: tally, sendingTo: receiver.url),
            ]
            let running = workers.map { worker in Task { try await worker.run() } }
            let ended = await completions.all(2)
            for worker in workers { await worker.drain() }
            for run in running { try await run.value }
            await tally.close()

            let rows = try await scratch.ledger.jobs(ended)
            #expect(rows[picture.id]?.status == .failed && rows[invoice.id]?.status == .failed)
            #expect(rows[picture.id]?.error?.hasPrefix("exit 65: ") == true)
            #expect(rows[invoice.id]?.error?.contains("leads to this machine") == true)
            #expect(receiver.requests.all.isEmpty)
        }
    }
}
