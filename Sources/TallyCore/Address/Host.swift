import Glibc

/// This machine, as others call it.
package enum Host {
    /// The host name that the kernel gives, or `host` where it gives none. It is read once, since a process
    /// should keep one name in its messages even where the machine is renamed.
    package static let name: String = {
        var name = [UInt8](repeating: 0, count: 256)
        let failed = name.withUnsafeMutableBytes {
            gethostname($0.baseAddress!.assumingMemoryBound(to: CChar.self), 255)
        }
        return failed == 0 ? String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) : "host"
    }()

    /// Whether an address of this name is another server on every machine.
    package static func isLoopback(_ name: String) -> Bool {
        let name = name.lowercased()
        return name.isEmpty || name == "localhost" || name.hasSuffix(".localhost") || name.hasPrefix("127.")
            || ["localhost.", "0", "0.0.0.0", "::", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"].contains(
                name)
    }
}
