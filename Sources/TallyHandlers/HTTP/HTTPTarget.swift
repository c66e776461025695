import CCurl
import TallyCore

/// An address that a body can be sent to.
struct HTTPTarget: Sendable {
    /// As it was given, credentials included.
    let url: String
    /// As a message may show it: without credentials, query and fragment.
    let shown: String

    init(_ text: String) throws(InvalidSetting) {
        guard let url = curl_url() else { throw InvalidSetting("http", "there is no memory for the address") }
        defer { curl_url_cleanup(url) }
        let isRead = !text.utf8.contains(0) && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK
        guard isRead, let scheme = Self.part(CURLUPART_SCHEME, of: url),
            ["http", "https"].contains(scheme.lowercased())
        else { throw InvalidSetting("http", "must be an address such as https://example.com/path") }
        for part in [CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT] {
            _ = curl_url_set(url, part, nil, 0)
        }
        guard let shown = Self.part(CURLUPART_URL, of: url) else {
            throw InvalidSetting("http", "must be an address such as https://example.com/path")
        }
        self.url = text
        self.shown = shown
    }

    private static func part(_ part: CURLUPart, of url: OpaquePointer) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(url, part, &text, 0) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
