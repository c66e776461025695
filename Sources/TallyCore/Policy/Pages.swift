extension Collection {
    /// In pieces of at most so many, in order.
    package func pages(of size: Int) -> [[Element]] {
        var pages: [[Element]] = []
        var rest = self[...]
        while !rest.isEmpty {
            pages.append(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        return pages
    }
}
