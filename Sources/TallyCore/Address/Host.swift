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

    /// What this process holds in memory now, in bytes; nil where the kernel does not say.
    package static var residentBytes: Int? {
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = bytes.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
        guard count > 0 else { return nil }
        // Pages: all of its address space, then those that are in memory.
        let words = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: " ")
        guard let pages = words.dropFirst().first.flatMap({ Int($0) }) else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Whether an address of this name is another server on every machine.
    package static func isLoopback(_ name: String) -> Bool {
        let name = name.lowercased()
        return name.isEmpty || name == "localhost" || name.hasSuffix(".localhost") || name.hasPrefix("127.")
            || ["localhost.", "0", "0.0.0.0", "::", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"].contains(
                name)
    }
}
