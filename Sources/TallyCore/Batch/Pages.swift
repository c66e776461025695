extension Collection {
    /// In pieces of at most so many, in order.
    package func pages(of size: Int) -> [[Element]] {
        pages(of: size, bytes: .max) { _ in 0 }
    }

    /// In pieces of at most so many elements and bytes, in order. An element that is larger than that stands alone.
    package func pages(of size: Int, bytes most: Int, _ weight: (Element) -> Int) -> [[Element]] {
        var pages: [[Element]] = []
        var page: [Element] = []
        var bytes = 0
        for element in self {
            let own = weight(element)
            if !page.isEmpty, page.count >= size || own > most - bytes {
                pages.append(page)
                page = []
                bytes = 0
            }
            page.append(element)
            bytes += own
        }
        if !page.isEmpty { pages.append(page) }
        return pages
    }
}
