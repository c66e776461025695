import TallyCore

extension RedisConnection {
    /// Logs in, selects the database, asks the server what it is, and loads the functions.
    ///
    /// - Parameter isChecked: false for a look at a server that no queue may use.
    /// - Returns: what the server told of itself.
    func handshake(
        _ configuration: RedisConfiguration, loadingLibrary: Bool, isChecked: Bool
    ) throws(QueueError) -> ServerFacts {
        try logIn(configuration)
        if configuration.database != 0 {
            if case .error(let text) = try settled(["SELECT", String(configuration.database)]) {
                throw RedisRefusal.handshakeError(text, "select the database", configuration.place)
            }
        }
        let info = try settled(["INFO"])
        guard let text = info.text else {
            if case .error(let text) = info {
                throw RedisRefusal.handshakeError(text, "connect to Redis", configuration.place)
            }
            throw QueueError(
                .wrongServer, "connect to Redis", "\(configuration.place) does not answer INFO as Redis does")
        }
        let told = ServerFacts(text)
        if isChecked { try told.check(at: configuration.place) }
        // It says to other versions that this one's functions are in use. Who may not say so risks a load too many.
        _ = try settled(["CLIENT", "SETNAME", FunctionLibrary.name])
        if loadingLibrary { try loadLibraryIfMissing() }
        return told
    }

    private func logIn(_ configuration: RedisConfiguration) throws(QueueError) {
        // A user may have an empty password; without the login the connection would be another user's.
        if configuration.user.isEmpty && configuration.password.isEmpty { return }
        let words =
            configuration.user.isEmpty
            ? ["AUTH", configuration.password] : ["AUTH", configuration.user, configuration.password]
        // A server that does not know AUTH quotes its words.
        let secret = Redactor([configuration.password])
        if case .error(let text) = try settled(words) {
            throw RedisRefusal.handshakeError(secret(text), "log in to Redis", configuration.place)
        }
    }

    /// A handshake may be repeated, so a lost reply here is only "unavailable".
    private func settled(_ words: [String]) throws(QueueError) -> RedisReply {
        do {
            return try command(words)
        } catch {
            throw QueueError(.unavailable, "connect to Redis", error.detail)
        }
    }

    /// Loads the function library unless the server holds it, and then removes those that nobody uses any more.
    ///
    /// What a race removes from under a program is loaded again by that program's next call.
    func loadLibraryIfMissing() throws(QueueError) {
        let found = try settled(["FUNCTION", "LIST", "LIBRARYNAME", FunctionLibrary.name])
        if found.array?.isEmpty == false { return }
        // Somebody else may have loaded the same text since.
        if case .error(let why) = try settled(["FUNCTION", "LOAD", FunctionLibrary.text]),
            !why.contains("already exists")
        {
            throw RedisRefusal.handshakeError(why, "load the functions", "the function library")
        }
        try removeUnusedLibraries()
    }

    /// Where the user may not list connections, nothing is removed: a library costs about 200 KB, a removed one that
    /// is called costs each of its callers a load.
    private func removeUnusedLibraries() throws(QueueError) {
        guard let clients = try settled(["CLIENT", "LIST"]).text else { return }
        let names = clients.split { $0 == " " || $0 == "\n" }.compactMap { field in
            field.hasPrefix("name=") ? String(field.dropFirst(5)) : nil
        }
        let libraries = (try settled(["FUNCTION", "LIST", "LIBRARYNAME", "tally_*"]).array ?? []).compactMap {
            let facts = $0.array ?? []
            let at = facts.firstIndex { $0.text == "library_name" }
            return at.flatMap { $0 + 1 < facts.count ? facts[$0 + 1].text : nil }
        }
        for library in FunctionLibrary.unused(among: libraries, named: Set(names)) {
            _ = try settled(["FUNCTION", "DELETE", library])  // somebody else may have been first
        }
    }
}
