import Foundation
import Testing

@testable import TallyCore

@Suite struct `A timestamp` {
    @Test(arguments: [
        "2030-01-02T03:04:05Z", "2030-01-02T03:04:05.000Z", "2030-01-02T05:04:05+02:00", "1893553445",
        "1893553445000",
        "2030-01-01t22:34:05.0-04:30", "2030-01-02 03:04:05z",
    ])
    func `reads every spelling of one instant [H6]`(_ text: String) {
        #expect(Timestamp(text) == Timestamp(microseconds: 1_893_553_445_000_000))
    }

    @Test func `keeps microseconds and drops what is finer [H6]`() {
        #expect(Timestamp("2030-01-02T03:04:05.123456789Z") == Timestamp(microseconds: 1_893_553_445_123_456))
        #expect(Timestamp("2030-01-02T03:04:05.5Z") == Timestamp(microseconds: 1_893_553_445_500_000))
        #expect(Timestamp("1893553445123") == Timestamp(microseconds: 1_893_553_445_123_000))
    }

    @Test(arguments: [
        "", " ", "now", "tomorrow", "2030-01-02", "2030-01-02T03:04:05", "2030-01-02T03:04Z", "-5", "+5",
        "1.5",
        "2030-13-01T00:00:00Z", "2030-00-01T00:00:00Z", "2030-02-29T00:00:00Z", "2030-04-31T00:00:00Z",
        "2030-01-00T00:00:00Z", "2030-01-32T00:00:00Z", "2030-01-02T24:00:00Z", "2030-01-02T03:60:00Z",
        "2030-01-02T03:04:60Z", "2030-01-02T03:04:05.Z", "2030-01-02T03:04:05+2:00",
        "2030-01-02T03:04:05+24:00",
        "2030-01-02T03:04:05Zx", " 2030-01-02T03:04:05Z", "30-01-02T03:04:05Z", "12345678901234", "1e9",
        "2030-01-02T03:04:05+0200", "２０３０-01-02T03:04:05Z", "99999999999999999999", "2100-02-29T00:00:00Z",
    ])
    func `refuses junk [H6]`(_ text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test(
        arguments: [
            ("2028-02-29T00:00:00.000000Z", 1_835_395_200), ("2000-02-29T00:00:00.000000Z", 951_782_400),
            ("1970-01-01T00:00:00.000000Z", 0), ("1969-12-31T23:59:59.000000Z", -1),
            ("1900-03-01T00:00:00.000000Z", -2_203_891_200), ("2100-03-01T00:00:00.000000Z", 4_107_542_400),
            ("0000-01-01T00:00:00.000000Z", -62_167_219_200),
            ("9999-12-31T23:59:59.000000Z", 253_402_300_799),
        ] as [(String, Int64)])
    func `knows leap days and far years [H6]`(_ text: String, _ seconds: Int64) {
        #expect(Timestamp(text) == Timestamp(microseconds: seconds * 1_000_000))
        #expect(Timestamp(microseconds: seconds * 1_000_000).description == text)
    }

    @Test func `comes back from its own text at 10,000 random times`() {
        var random = SystemlessRandom(seed: 9)
        for _ in 0..<10_000 {
            let time = Timestamp(microseconds: Int64(random.next() % 253_402_300_799_000_000))
            #expect(Timestamp(time.description) == time)
        }
    }

    @Test func `writes the day that Foundation writes`() {
        let formatter = ISO8601DateFormatter()
        var random = SystemlessRandom(seed: 10)
        for _ in 0..<500 {
            let seconds = Int64(random.next() % 8_000_000_000) - 4_000_000_000
            let expected = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
            #expect(
                Timestamp(microseconds: seconds * 1_000_000).description.prefix(19) == expected.prefix(19))
        }
    }

    @Test(arguments: [Int64.min, .min + 1, -1, 0, 1, .max - 1, .max])
    func `never traps at the ends of its range`(_ value: Int64) {
        let time = Timestamp(microseconds: value)

        #expect(time.description.hasSuffix("Z"))
        for other in [Int64.min, -1, 0, 1, .max] {
            let step = Duration.microseconds(other)
            #expect(other > 0 ? time + step >= time : time + step <= time || value == .min)
            #expect(other > 0 ? time - step <= time || value == .min : time - step >= time)
            let gap = time - Timestamp(microseconds: other)
            #expect(value >= other ? gap >= .zero : gap < .zero)
        }
    }

    @Test func `turns every duration into microseconds, clamped`() {
        #expect(Duration.seconds(Int64.max).microseconds == .max)
        #expect(Duration.seconds(Int64.min).microseconds < -9_000_000_000_000_000_000)
        #expect(Duration.nanoseconds(1999).microseconds == 1)
    }
}
