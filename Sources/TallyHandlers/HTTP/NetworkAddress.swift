/// Which addresses lie in the public internet. Pure.
enum NetworkAddress {
    /// Of four bytes, or of sixteen. What leads to this machine, to its own network, to nobody or to many does not.
    static func isPublic(_ bytes: [UInt8]) -> Bool {
        if bytes.count == 4 { return !special.contains { $0.holds(bytes) } }
        guard bytes.count == 16 else { return false }
        // An address of IPv4 in the clothes of IPv6, or behind a translator between the two.
        if mapped.holds(bytes) || translated.holds(bytes) { return isPublic(Array(bytes.suffix(4))) }
        return unicast.holds(bytes) && !special6.contains { $0.holds(bytes) }
    }

    struct Block {
        let start: [UInt8]
        let bits: Int

        init(_ start: [UInt8], _ bits: Int) {
            self.start = start
            self.bits = bits
        }

        func holds(_ bytes: [UInt8]) -> Bool {
            for bit in 0..<bits {
                let mask: UInt8 = 0x80 >> UInt8(bit % 8)
                // What the block leaves out at its end is zero.
                let wanted = bit / 8 < start.count ? start[bit / 8] : 0
                if (bytes[bit / 8] ^ wanted) & mask != 0 { return false }
            }
            return true
        }
    }

    /// The registry of special purposes of IPv4, with the one address at which a provider's machines ask their host;
    /// then the addresses of many, and those that were never given out.
    private static let special = [
        Block([0], 8), Block([10], 8), Block([100, 64], 10), Block([127], 8), Block([169, 254], 16),
        Block([172, 16], 12), Block([192, 0, 0], 24), Block([192, 0, 2], 24), Block([192, 88, 99], 24),
        Block([168, 63, 129, 16], 32),
        Block([192, 168], 16), Block([198, 18], 15), Block([198, 51, 100], 24), Block([203, 0, 113], 24),
        Block([224], 4), Block([240], 4),
    ]
    private static let mapped = Block([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 96)
    private static let translated = Block([0x00, 0x64, 0xFF, 0x9B], 96)
    /// All that is given out of IPv6.
    private static let unicast = Block([0x20], 3)
    /// Of that: tunnels and other protocols' use, documentation, and IPv4 by relays.
    private static let special6 = [
        Block([0x20, 0x01, 0x00], 23), Block([0x20, 0x01, 0x0D, 0xB8], 32), Block([0x20, 0x02], 16),
        Block([0x3F, 0xFF, 0x00], 20),
    ]
}
