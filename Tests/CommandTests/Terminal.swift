import Foundation
import Glibc
import Synchronization
import TestSupport

/// A terminal of a test's own, a hundred columns wide; what is written to it is read at once.
final class Terminal: Sendable {
    let path: String
    private let master: Int32
    private let shown = Mutex<[UInt8]>([])
    var text: String { shown.withLock { String(decoding: $0, as: UTF8.self) } }

    init() throws {
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        // TIOCSPTLCK and TIOCGPTN, which are no constants to Swift: its other end may be opened, and has this number.
        var (locked, number): (Int32, Int32) = (0, 0)
        let isMade =
            master >= 0 && ioctl(master, 0x4004_5431, &locked) == 0
            && ioctl(master, 0x8004_5430, &number) == 0
        path = "/dev/pts/\(number)"
        if !isMade { throw TookTooLong("no terminal: \(String(cString: strerror(errno)))") }
        resize(columns: 100, rows: 40)
        Thread.detachNewThread { self.follow() }
    }
    deinit { close(master) }

    /// Whoever draws on it is not told: a signal does that.
    func resize(columns: UInt16, rows: UInt16) {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &size)
    }

    /// As if keys were pressed.
    func type(_ keys: String) {
        let bytes = Array(keys.utf8)
        _ = write(master, bytes, bytes.count)
    }

    /// Whether it hands on what is typed by lines, and shows it: as it does unless a program says otherwise.
    var isByLines: Bool {
        var settings = termios()
        let isKnown = tcgetattr(master, &settings) == 0
        return isKnown && settings.c_lflag & tcflag_t(ICANON | ECHO) == tcflag_t(ICANON | ECHO)
    }

    /// Until nobody has it open any more.
    private func follow() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(master, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return }
            let new = buffer[..<count]
            shown.withLock { $0 += new }
        }
    }
}
