import TallyCore

/// Random numbers that a seed repeats exactly, on every machine. Not for secrets.
/// The algorithm is Steele, Lea and Flood's SplitMix (2014), with its published constants.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// The sequence of this seed, from its beginning.
    package init(seed: UInt64) { state = seed }

    /// The next number, uniform over all 64 bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// True in `percent` of a hundred cases.
    package mutating func chance(_ percent: Int) -> Bool { Int(next() % 100) < percent }

    /// A UUIDv7 that carries `time`; the same seed gives the same id.
    package mutating func id(at time: Timestamp) -> JobID {
        JobID(
            high: UInt64(time.microseconds / 1000) << 16 | 0x7000 | next() & 0xFFF,
            low: 0x8000_0000_0000_0000 | next() >> 2)
    }
}
