import Glibc
import Synchronization
import TallyConnections

/// One link of the drill: a listening port on loopback, and a server behind it. What passes obeys the mode, which may
/// change at any time. Threads: one that accepts, two a connection.
final class ProxyLink: Sendable {
    struct State {
        var mode = LinkMode.pass
        var upstream: Int
        var counts = LinkCounts()
        var listener: Int32
        var connections: [ObjectIdentifier: ProxyConnection] = [:]
        var isClosed = false
        /// Ends the accepting thread's wait.
        var wake: WakePipe
    }

    let name: String
    let port: Int
    private let state: Mutex<State>

    init(_ name: String, upstream: Int) throws {
        self.name = name
        let (listener, port) = try Sockets.listen(port: 0)
        self.port = port
        state = Mutex(State(upstream: upstream, listener: listener, wake: WakePipe()))
        try acceptAll(listener)
    }

    var counts: LinkCounts { state.withLock { $0.counts } }
    var mode: LinkMode { state.withLock { $0.mode } }
    var open: Int { state.withLock { $0.connections.count } }

    /// New connections go there; with `cutting`, old ones are reset.
    func redirect(to port: Int, cutting: Bool = true) {
        state.withLock { $0.upstream = port }
        if cutting { cutAll() }
    }

    func set(_ mode: LinkMode) {
        let before = state.withLock { state in
            let before = state.mode
            state.mode = mode
            return before
        }
        if mode == .refuse { stopListening() }
        if mode.endsConnections { cutAll() }
        if mode == .halfClose { for connection in connections { connection.halfClose() } }
        // What was left without an answer, or half closed, would wait for ever.
        if mode == .pass, before == .halfOpen || before == .halfClose { cutAll() }
        if mode == .pass { listenAgain() }
    }

    /// Resets everything that is open now. Answers how many that were.
    @discardableResult
    func cutAll() -> Int {
        let open = connections
        for connection in open { connection.cut() }
        return open.count
    }

    func close() {
        state.withLock { state in
            state.isClosed = true
            state.wake.raise()
        }
        cutAll()
    }

    private var connections: [ProxyConnection] { state.withLock { Array($0.connections.values) } }

    // MARK: Listening

    private func stopListening() {
        state.withLock { state in
            guard state.listener >= 0 else { return }
            state.listener = -1
            state.wake.raise()  // its thread closes it
        }
    }

    private func listenAgain() {
        guard state.withLock({ $0.listener < 0 && !$0.isClosed }) else { return }
        // The old thread may hold the port for a moment yet.
        for _ in 0..<500 {
            if let (listener, _) = try? Sockets.listen(port: port) {  // taken: a moment later again
                state.withLock { state in
                    state.listener = listener
                    state.wake = WakePipe()
                }
                if (try? acceptAll(listener)) != nil { return }  // no thread: a moment later again
                state.withLock { $0.listener = -1 }
            }
            usleep(10_000)
        }
    }

    private func acceptAll(_ listener: Int32) throws {
        let wake = state.withLock { $0.wake }
        do {
            try startThread { [self] in
                while Sockets.wait(listener, POLLIN, wake: wake.reading) {
                    if let client = Sockets.accept(listener) { take(client) }
                }
                Glibc.close(listener)
                wake.close()
            }
        } catch {
            Glibc.close(listener)
            wake.close()
            throw error
        }
    }

    private func take(_ client: Int32) {
        Sockets.noDelay(client)
        let (mode, upstream) = state.withLock { state in
            state.counts.accepted += 1
            return (state.mode, state.upstream)
        }
        if mode == .reset || mode == .refuse {
            count { $0.cut += 1 }
            Sockets.resetOnClose(client)
            Glibc.close(client)
            return
        }
        var server: Int32 = -1
        if mode == .halfOpen {
            count { $0.unanswered += 1 }
        } else if let connected = Sockets.connect(port: upstream) {
            server = connected
        } else {
            count { $0.unreachable += 1 }
            Sockets.resetOnClose(client)
            Glibc.close(client)
            return
        }
        let connection = ProxyConnection(self, client: client, server: server)
        let isClosed = state.withLock { state in
            state.connections[ObjectIdentifier(connection)] = connection
            state.counts.mostOpen = max(state.counts.mostOpen, state.connections.count)
            return state.isClosed
        }
        connection.start()
        if isClosed { connection.cut() }
    }

    // MARK: For connections

    func count(_ change: (inout LinkCounts) -> Void) { state.withLock { change(&$0.counts) } }
    func forget(_ connection: ProxyConnection) {
        state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(connection)) }
    }
}
