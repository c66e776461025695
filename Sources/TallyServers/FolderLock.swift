import Foundation
import Glibc
import TallyCore

/// One program at a time works on the servers of a folder. The lock is the kernel's: it ends with its holder, however
/// that ends.
package final class FolderLock: Sendable {
    private let descriptor: Int32

    /// Makes the folder where there is none, and waits for whoever works on it.
    ///
    /// - Throws: `ServerProblem` where the folder cannot be made; `CancellationError`.
    package static func take(_ folder: String, say: (String) -> Void) async throws -> FolderLock {
        var hasSaid = false
        while true {
            try Task.checkCancellation()
            try make(folder)
            let path = "\(folder)/lock"
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            // Its holder may just have removed the folder.
            if descriptor < 0, errno == ENOENT { continue }
            if descriptor < 0 {
                throw ServerProblem("cannot write \(path): \(String(cString: strerror(errno)))")
            }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
                // What was locked may be the file of a folder that was removed meanwhile.
                if isAt(path, descriptor) { return FolderLock(descriptor: descriptor) }
                close(descriptor)
                continue
            }
            close(descriptor)
            if !hasSaid { say("another call works on \(folder); waiting for it") }
            hasSaid = true
            // The kernel tells nobody who could be cancelled when a lock comes free.
            try await Task.sleep(for: Limits.folderLock)
        }
    }

    private init(descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    /// Its owner is done: the lock lasts at least until here.
    package func release() {}

    private static func isAt(_ path: String, _ descriptor: Int32) -> Bool {
        var own = stat()
        var there = stat()
        return fstat(descriptor, &own) == 0 && stat(path, &there) == 0 && own.st_ino == there.st_ino
            && own.st_dev == there.st_dev
    }

    /// Every missing part of the path; what is made is for this user alone.
    package static func make(_ folder: String) throws {
        var path = ""
        for part in folder.split(separator: "/") {
            path += "/\(part)"
            if mkdir(path, 0o700) == 0 || errno == EEXIST { continue }
            throw ServerProblem("cannot make the folder \(path): \(String(cString: strerror(errno)))")
        }
        var status = stat()
        if stat(folder, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR {
            throw ServerProblem("\(folder) is no folder")
        }
    }
}
