from tests.golden import FILE, write

write()
print(f"{FILE.name} written; say in CHANGELOG.md which results changed, by how much, and why")
