import TallyCore
import Testing

@testable import TallyLab

@Suite struct `A record of an effect` {
    @Test func `comes back from its bytes, and other bytes are none`() {
        let at: Int64 = 1_800_000_000_000_000
        let record = EffectRecord(
            .ack, JobID(), epoch: 1_795_259_777_512, version: 7, at: at, answer: .repeated, worker: 3,
            pid: 4711, attempt: 2, expiry: at + 5)
        var bytes: [UInt8] = []
        record.write(to: &bytes)
        #expect(bytes.count == EffectRecord.size)
        #expect(bytes.withUnsafeBytes { EffectRecord($0) } == record)
        bytes[0] = 0
        #expect(bytes.withUnsafeBytes { EffectRecord($0) } == nil)
    }
}
