/// What a link does to what passes it.
enum LinkMode: Sendable, Equatable {
    case pass
    /// Each piece waits this long, µs, give or take `jitter`.
    case delay(Int, jitter: Int)
    /// Bytes a second, each way.
    case rate(Int)
    /// Nothing passes in the directions named; nothing is lost either, as when a cable is pulled and put back.
    case blackhole(up: Bool, down: Bool)
    /// After so many bytes of the direction the connection is cut, in the middle of whatever it is.
    case cutAfter(Int, isUp: Bool)
    /// The request goes through, the reply is swallowed, then the connection is cut.
    case dropNextReply
    /// Instead of the next reply come bytes that are no reply; then the connection is cut.
    case corrupt
    /// Half a reply, then the end.
    case truncate
    /// Every connection is reset, new ones too.
    case reset
    /// The client is told that the server will send no more; its own bytes still go through.
    case halfClose
    /// Nobody listens; what was open is reset.
    case refuse
    /// Connections are accepted and never answered; what was open is reset.
    case halfOpen

    /// Connections that are open when the mode begins do not survive it.
    var endsConnections: Bool { self == .reset || self == .refuse || self == .halfOpen }
}

/// What a link did since it was made. A fault on a link is effective when one of these grew.
struct LinkCounts: Sendable, Equatable {
    var accepted = 0
    var bytesUp = 0
    var bytesDown = 0
    /// Connections that the proxy ended.
    var cut = 0
    /// Pieces that had to wait: by delay, rate or blackhole.
    var held = 0
    var swallowed = 0
    var garbled = 0
    /// Connections accepted and left without an answer.
    var unanswered = 0
    /// Upstream did not accept.
    var unreachable = 0
    var mostOpen = 0

    /// Things done to connections, of any kind.
    var harm: Int { cut + held + swallowed + garbled + unanswered }
}
