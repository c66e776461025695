import TallyCore

/// What libpq is told of an address: its own parameter names, each once.
package struct PostgresAddress: Sendable {
    /// The names and values for `PQconnectdbParams`, in the order of the address.
    package private(set) var parameters: [(name: String, value: String)] = []
    /// Takes the passwords of this address out of what libpq says.
    package let redactor: Redactor

    /// - Throws: why it is refused, without a part of it but the name of an option that libpq does not know.
    package init(_ text: String) throws(StoreAddress.Fault) {
        if text.isEmpty {
            throw StoreAddress.Fault(
                description: "is empty; set it to postgres://user:password@host:5432/database")
        }
        let address = try StoreAddress(text, of: .ledger)
        var found: [(name: String, value: String)] = []
        func set(_ name: String, _ value: String) {
            if let at = found.firstIndex(where: { $0.name == name }) {
                found[at].value = value
            } else {
                found.append((name, value))
            }
        }
        switch address.scheme {
        case .redis, .unix: throw StoreAddress.Store.ledger.fault
        case .words: break
        case .postgres:
            if let user = address.user, !user.isEmpty { set("user", user) }
            if let password = address.password { set("password", password) }
            if address.hosts.contains(where: { !$0.name.isEmpty }) {
                set("host", address.hosts.map(\.name).joined(separator: ","))
            }
            if address.hosts.contains(where: { $0.port != nil }) {
                set("port", address.hosts.map { $0.port.map(String.init) ?? "" }.joined(separator: ","))
            }
            if !address.path.isEmpty { set("dbname", address.path) }
        }
        let known = Libpq.options
        for option in address.options {
            // As libpq reads it in an address.
            if address.scheme == .postgres, option.name == "ssl", option.value == "true" {
                set("sslmode", "require")
                continue
            }
            if !known.contains(option.name) { throw Self.unknown(option, address) }
            set(option.name, option.value)
        }
        for parameter in found {
            if parameter.name == "port" {
                for port in parameter.value.split(separator: ",") { _ = try StoreAddress.port(port) }
            }
            if parameter.name == "dbname", parameter.value.contains("=") || parameter.value.contains("://") {
                throw StoreAddress.Fault(
                    description: "names a database with = or :// in it, which libpq would take apart")
            }
        }
        parameters = found
        redactor = Redactor(found.filter { $0.name == "password" || $0.name == "sslpassword" }.map(\.value))
    }

    /// Hosts, ports and database: for messages.
    package var place: String {
        func value(_ name: String) -> String { parameters.first { $0.name == name }?.value ?? "" }
        let port = value("port")
        return "\(value("host"))\(port.isEmpty ? "" : ":\(port)")/\(value("dbname"))"
    }

    /// All of it as libpq's words, for people; what is a secret, of this libpq or a later one, is not shown.
    package var shown: String {
        // Words that say nothing would look like a setting that is not set.
        if parameters.isEmpty { return "postgres://" }
        return parameters.map { name, value in
            let isSecret = ["password", "secret", "scram"].contains { name.contains($0) }
            return "\(name)=\(isSecret ? Redactor.mark : Self.quoted(value))"
        }.joined(separator: " ")
    }

    /// As libpq reads it among its words.
    private static func quoted(_ value: String) -> String {
        let isPlain = !value.contains { $0.isWhitespace || $0 == "'" || $0 == "\\" }
        if isPlain, !value.isEmpty { return value }
        return "'\(value.replacing("\\", with: "\\\\").replacing("'", with: "\\'"))'"
    }

    private static func unknown(_ option: StoreAddress.Option, _ address: StoreAddress) -> StoreAddress.Fault
    {
        let isName =
            option.name.utf8.count <= Limits.optionNameBytes
            && option.name.utf8.allSatisfy { $0 >= 97 && $0 <= 122 || $0 == 95 }
        // An @ behind it: what looks like an option may be the rest of a password.
        if !isName || address.user == nil && option.value.contains("@") {
            return .init(
                description: "has an option that libpq does not know; a bare ? in a password is written %3F")
        }
        return .init(description: "has the option \(option.name), which libpq does not know")
    }
}
