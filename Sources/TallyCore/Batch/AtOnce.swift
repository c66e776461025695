extension Collection where Element: Sendable {
    /// What each answers, all of them asked at once, in their order: one that hangs keeps no other waiting, but the
    /// caller waits for all. Each is begun before the next, so where they take places in a line, these are in their
    /// order too.
    package func askedAtOnce<Answer: Sendable>(
        _ ask: @escaping @Sendable (Element) async -> Answer
    ) async -> [Answer] {
        await withTaskGroup(of: (Int, Answer).self) { group in
            for (at, element) in enumerated() { group.addImmediateTask { (at, await ask(element)) } }
            var answers: [(Int, Answer)] = []
            for await answer in group { answers.append(answer) }
            return answers.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}

extension Result {
    /// What an asynchronous call answers, its failure as a value: one of several must not end the others.
    package static func of(_ ask: () async throws(Failure) -> Success) async -> Self {
        do throws(Failure) {
            return .success(try await ask())
        } catch {
            return .failure(error)
        }
    }
}
